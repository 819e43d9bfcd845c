//! Every kind of study is drawn, the same each time, and nothing of it lies nowhere.

use super::*;
use crate::report::fixture::{self, Case};

/// All fixtures, whole and with points missing or empty.
fn cases() -> Vec<(String, Case)> {
    let mut cases = Vec::new();
    for (name, case) in fixture::cases() {
        cases.push((name.to_string(), case));
    }
    for (name, mut case) in fixture::cases() {
        let mut index = 0;
        case.results.retain(|_| {
            index += 1;
            index % 3 == 0
        });
        cases.push((format!("{name}, a third of it"), case));
    }
    for (name, mut case) in fixture::cases() {
        if let Some(result) = case.results.first_mut() {
            fixture::empty(result);
        }
        cases.push((format!("{name}, one point empty"), case));
    }
    for (name, mut case) in fixture::cases() {
        case.results.iter_mut().for_each(fixture::empty);
        cases.push((format!("{name}, all points empty"), case));
    }
    for (name, mut case) in fixture::cases() {
        case.results.clear();
        cases.push((format!("{name}, without results"), case));
    }
    cases
}

fn stems(case: &Case) -> Vec<String> {
    draw_all(&case.study, &case.results).into_iter().map(|plot| plot.file_stem).collect()
}

#[test]
fn plots_are_the_same_each_time_and_everything_has_a_place() {
    for (name, case) in cases() {
        let plots = draw_all(&case.study, &case.results);
        assert_eq!(plots, draw_all(&case.study, &case.results), "{name}");
        for (index, plot) in plots.iter().enumerate() {
            assert!(!plot.svg.contains("NaN") && !plot.svg.contains("inf"), "{name}: {}", plot.file_stem);
            assert!(plot.svg.len() < 300_000, "{name}: {} has {} bytes", plot.file_stem, plot.svg.len());
            let safe = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            assert!(plot.file_stem.chars().all(safe), "{name}: {}", plot.file_stem);
            assert!(plots[..index].iter().all(|other| other.file_stem != plot.file_stem), "{name}: {}", plot.file_stem);
        }
    }
}

#[test]
fn no_text_leaves_the_page() {
    for (name, case) in cases() {
        for plot in draw_all(&case.study, &case.results) {
            for (x, anchor, size, bold, upright, text) in texts(&plot.svg) {
                let look = theme::Type { size, bold, ..theme::Type::LABEL };
                let width = if upright { 0.0 } else { look.width(&text) };
                let left = match anchor.as_str() {
                    "start" => x,
                    "middle" => x - width / 2.0,
                    _ => x - width,
                };
                let within = left >= 0.0 && left + width <= theme::WIDTH;
                assert!(within, "{name}: {}: {text} runs from {left} to {}", plot.file_stem, left + width);
            }
        }
    }
}

/// The texts of a drawing: where, anchor, size, bold, upright, what.
fn texts(svg: &str) -> Vec<(f64, String, f64, bool, bool, String)> {
    let mut texts = Vec::new();
    for part in svg.split("<text ").skip(1) {
        let (head, rest) = part.split_once('>').unwrap();
        let attribute = |name: &str| {
            let (_, after) = head.split_once(&format!("{name}=\"")).unwrap();
            after.split_once('"').unwrap().0.to_string()
        };
        let text = rest.split_once("</text>").unwrap().0.trim();
        let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
        let number = |name: &str| attribute(name).parse::<f64>().unwrap() / 4.0;
        let (bold, upright) = (head.contains("bold"), head.contains("rotate"));
        texts.push((number("x"), attribute("text-anchor"), number("font-size"), bold, upright, text));
    }
    texts
}

#[test]
fn a_picture_has_twice_the_size_of_its_drawing() {
    let case = fixture::lifetime_by_switch();
    for plot in draw_all(&case.study, &case.results) {
        let picture = png(&plot.svg);
        assert_eq!(picture[..8], *b"\x89PNG\r\n\x1a\n");
        assert_eq!(picture[12..16], *b"IHDR");
        let side = |at: usize| f64::from(u32::from_be_bytes(picture[at..at + 4].try_into().unwrap()));
        let said = |name: &str| {
            let (_, after) = plot.svg.split_once(&format!("{name}=\"")).unwrap();
            after.split_once('"').unwrap().0.parse::<f64>().unwrap()
        };
        assert_eq!(side(16), 2.0 * said("width"));
        assert!((side(20) - 2.0 * said("height")).abs() <= 1.0);
    }
    assert!(png("no drawing").is_empty());
}

#[test]
fn a_sweep_of_two_keys_gives_every_kind_of_plot() {
    let expected = [
        "rate_by_expiration",
        "rate_by_send_service_user_token",
        "heatmap_expiration_by_send_service_user_token",
        "reasons",
        "durations",
        "margins",
    ];
    assert_eq!(stems(&fixture::lifetime_by_switch()), expected);
    assert_eq!(stems(&fixture::single()), ["reasons", "durations", "margins"]);
}

#[test]
fn what_did_not_happen_is_not_drawn() {
    assert_eq!(stems(&fixture::calm()), ["durations", "margins"]);
    let mut case = fixture::grid();
    case.results.iter_mut().for_each(fixture::empty);
    assert!(stems(&case).is_empty());
}

#[test]
fn many_combinations_are_thinned_and_said_to_be() {
    let case = fixture::cube();
    let plots = draw_all(&case.study, &case.results);
    let plot = |stem: &str| plots.iter().find(|plot| plot.file_stem == stem).unwrap();
    assert!(plot("rate_by_expiration").svg.contains("the 6 most different of 8 combinations"));
    assert!(plot("reasons").svg.contains("the 30 worst of 128 bars"));
    assert!(plots.iter().any(|plot| plot.file_stem == "heatmap_expiration_by_allow_expired_window_2"));
    assert!(plots.iter().filter(|plot| plot.file_stem.starts_with("heatmap")).count() <= 6);
}

/// Jobs of several kinds have little in common, so each workload has its own bars and curve, by name.
#[test]
fn workloads_are_told_apart() {
    let case = fixture::busy();
    let plots = draw_all(&case.study, &case.results);
    for (stem, times) in [("reasons", 2), ("durations", 1)] {
        let svg = &plots.iter().find(|plot| plot.file_stem == stem).unwrap().svg;
        for name in ["boots", "backups", "moves"] {
            let found = texts(svg).into_iter().filter(|text| text.5 == name).count();
            assert!(found >= times, "{stem}: {name} stands there {found} times");
        }
    }
    for plot in plots.iter().filter(|plot| plot.file_stem.starts_with("rate")) {
        assert!(plot.svg.contains("3 workloads together"), "{}", plot.file_stem);
    }
    show("busy", &plots);
}

/// Writes pictures into the folder that `OUTLAST_PLOTS` names, for people to look at.
fn show(name: &str, plots: &[Plot]) {
    let Some(folder) = std::env::var_os("OUTLAST_PLOTS") else { return };
    for plot in plots {
        let path = std::path::Path::new(&folder).join(format!("{name}_{}.png", plot.file_stem));
        std::fs::write(path, png(&plot.svg)).unwrap();
    }
}

/// A zip is one axis of every plot; all its keys are named.
#[test]
fn keys_that_go_together_share_a_plot() {
    let case = fixture::zipped();
    let expected = [
        "rate_by_send_service_user_token",
        "rate_by_expiration",
        "heatmap_send_service_user_token_by_expiration",
        "reasons",
        "durations",
        "margins",
    ];
    assert_eq!(stems(&case), expected);
    let plots = draw_all(&case.study, &case.results);
    show("zipped", &plots);
    let said = |stem: &str| {
        let svg = &plots.iter().find(|plot| plot.file_stem == stem).unwrap().svg;
        texts(svg).into_iter().map(|text| text.5).collect::<Vec<String>>()
    };
    for stem in ["rate_by_expiration", "reasons"] {
        let said = said(stem);
        for head in ["Lifetime", "Window", "Fernet keys"] {
            assert!(said.iter().any(|text| text == head), "{stem}: {head} is not in {said:?}");
        }
    }
    let said = said("heatmap_send_service_user_token_by_expiration");
    for row in ["15 min, 0 s, 3", "1 h, 1 d, 3", "4 h, 1 d, 4", "12 h, 2 d, 6"] {
        assert!(said.iter().any(|text| text == row), "{row} is not in {said:?}");
    }
    // Many rows are a line along the first key whose numbers differ.
    let long = fixture::long_zip();
    let plots = draw_all(&long.study, &long.results);
    show("long_zip", &plots);
    let by_lifetime = &plots.iter().find(|plot| plot.file_stem == "rate_by_preset").unwrap().svg;
    assert!(texts(by_lifetime).iter().any(|text| text.5 == "Token lifetime"), "the axis is that of the lifetimes");
}

#[test]
fn names_cannot_break_the_drawing() {
    let mut case = fixture::single();
    case.study.name = "a \u{0} <b> & \"c\" \u{7}".into();
    for plot in draw_all(&case.study, &case.results) {
        assert!(!png(&plot.svg).is_empty());
    }
}
