//! How every plot looks: sizes, colours, the font, and a canvas in logical pixels that becomes SVG and PNG.
//!
//! The layout is ours, because the plotting crate's own meshes and captions overlap and clip; it measures and writes.

use std::sync::{Arc, Once, OnceLock};

use plotters::backend::{DrawingBackend, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontStyle, FontTransform, IntoFont, RGBAColor, RGBColor, ShapeStyle, TextStyle, register_font};
use resvg::{tiny_skia, usvg};

/// Text and strong lines.
pub(super) const INK: RGBColor = RGBColor(0x22, 0x2b, 0x36);
/// What may be overlooked: subtitles, ticks, limits.
pub(super) const MUTED: RGBColor = RGBColor(0x5f, 0x6b, 0x7a);
/// Lines behind the data.
pub(super) const GRID: RGBColor = RGBColor(0xe3, 0xe7, 0xec);
/// Cells and bars without data.
pub(super) const EMPTY: RGBColor = RGBColor(0xf1, 0xf3, 0xf6);
/// The ground.
pub(super) const WHITE: RGBColor = RGBColor(0xff, 0xff, 0xff);

/// Width of every plot.
pub(super) const WIDTH: f64 = 860.0;
/// Free space at the outer edges.
pub(super) const EDGE: f64 = 20.0;
/// Size of ticks and labels.
pub(super) const LABEL: f64 = 12.0;
/// Size of axis titles.
pub(super) const AXIS: f64 = 13.0;
/// The least distance of two lines of labels.
pub(super) const LINE: f64 = 16.0;

const TITLE: f64 = 17.0;
const TITLE_LINE: f64 = 23.0;
const SUBTITLE: f64 = 12.0;

/// The backend takes whole pixels; drawing at four times the size makes them quarters, and curves smooth.
const FINE: f64 = 4.0;
/// The backend divides font sizes by this, so they are multiplied with it first.
const FONT_FACTOR: f64 = 1.24;
/// Ascent plus descent of the font over its em, which is what the measuring library takes for its size.
const EM_HEIGHT: f64 = 1.164;
/// Pixels of a PNG per logical pixel.
const PNG_SCALE: f32 = 2.0;
/// The name that the plotting crate knows the font by; replaced in the SVG.
const FAMILY: &str = "sans-serif";
const FAMILIES: &str = "font-family=\"DejaVu Sans, Verdana, sans-serif\"";

/// Okabe–Ito without its black and yellow, which do not show as lines on white.
pub(super) const SERIES: [RGBColor; 6] = [
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0xd5, 0x5e, 0x00),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0xe6, 0x9f, 0x00),
    RGBColor(0x56, 0xb4, 0xe9),
];

/// The colour a text of a series has: darker where the line's own would be too pale to read.
pub(super) fn text_colour(colour: RGBColor) -> RGBColor {
    let limit = 125.0;
    let now = luminance(colour);
    if now <= limit {
        return colour;
    }
    let dim = |part: u8| (f64::from(part) * limit / now) as u8;
    RGBColor(dim(colour.0), dim(colour.1), dim(colour.2))
}

/// How bright a colour looks, from 0 to 255.
pub(super) fn luminance(colour: RGBColor) -> f64 {
    0.2126 * f64::from(colour.0) + 0.7152 * f64::from(colour.1) + 0.0722 * f64::from(colour.2)
}

/// Makes the font known to the measuring library, once in a process.
fn register() {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        // A font that cannot be read makes every measure zero and every plot ugly, but it fails no run.
        let _ = register_font(FAMILY, FontStyle::Normal, dejavu::sans::regular());
        let _ = register_font(FAMILY, FontStyle::Bold, dejavu::sans::bold());
    });
}

/// The same font for rasterising; fonts of the machine are never looked at, so that pictures do not depend on it.
fn fonts() -> Arc<usvg::fontdb::Database> {
    static FONTS: OnceLock<Arc<usvg::fontdb::Database>> = OnceLock::new();
    let load = || {
        let mut fonts = usvg::fontdb::Database::new();
        for data in [dejavu::sans::regular(), dejavu::sans::bold()] {
            fonts.load_font_source(usvg::fontdb::Source::Binary(Arc::new(data)));
        }
        Arc::new(fonts)
    };
    Arc::clone(FONTS.get_or_init(load))
}

/// A picture of this SVG at twice its size; empty if the SVG cannot be read.
pub fn png(svg: &str) -> Vec<u8> {
    rasterise(svg).unwrap_or_default()
}

fn rasterise(svg: &str) -> Option<Vec<u8>> {
    let options = usvg::Options { fontdb: fonts(), ..usvg::Options::default() };
    let tree = usvg::Tree::from_str(svg, &options).ok()?;
    let side = |logical: f32| (logical * PNG_SCALE).round() as u32;
    let mut pixels = tiny_skia::Pixmap::new(side(tree.size().width()), side(tree.size().height()))?;
    let scale = tiny_skia::Transform::from_scale(PNG_SCALE, PNG_SCALE);
    resvg::render(&tree, scale, &mut pixels.as_mut());
    pixels.encode_png().ok()
}

/// Where a text stands, seen from its point.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// It begins there.
    Start,
    /// It is centred there.
    Middle,
    /// It ends there.
    End,
}

/// How a text looks.
#[derive(Clone, Copy)]
pub(super) struct Type {
    pub(super) size: f64,
    pub(super) bold: bool,
    pub(super) colour: RGBColor,
    pub(super) side: Side,
}

impl Type {
    /// A label that begins at its point.
    pub(super) const LABEL: Type = Type { size: LABEL, bold: false, colour: INK, side: Side::Start };

    pub(super) const fn muted(self) -> Type {
        self.colour(MUTED)
    }

    pub(super) const fn bold(self) -> Type {
        Type { bold: true, ..self }
    }

    pub(super) const fn colour(self, colour: RGBColor) -> Type {
        Type { colour, ..self }
    }

    pub(super) const fn size(self, size: f64) -> Type {
        Type { size, ..self }
    }

    pub(super) const fn middle(self) -> Type {
        Type { side: Side::Middle, ..self }
    }

    pub(super) const fn end(self) -> Type {
        Type { side: Side::End, ..self }
    }

    /// How wide a text is, in logical pixels.
    pub(super) fn width(self, text: &str) -> f64 {
        register();
        let style = if self.bold { FontStyle::Bold } else { FontStyle::Normal };
        // Measured large, because the answer is in whole pixels.
        let zoom = 8.0;
        let font = (FAMILY, self.size * EM_HEIGHT * zoom, style).into_font();
        font.layout_box(text).map_or(0.0, |(_, (right, _))| f64::from(right) / zoom)
    }

    /// The text, cut with an ellipsis where it is wider than this.
    pub(super) fn cut(self, text: &str, width: f64) -> String {
        if self.width(text) <= width {
            return text.to_string();
        }
        let mut kept: Vec<char> = text.chars().take(400).collect();
        while !kept.is_empty() {
            kept.pop();
            let short: String = kept.iter().collect::<String>().trim_end().to_string() + "…";
            if self.width(&short) <= width {
                return short;
            }
        }
        String::new()
    }

    /// A name with its value, the name cut in its middle where both are wider than this: it is the value that tells
    /// labels apart.
    pub(super) fn cut_name(self, name: &str, value: &str, width: f64) -> String {
        let letters: Vec<char> = name.chars().collect();
        let last_word = letters.iter().rev().take_while(|letter| letter.is_alphanumeric()).count();
        let short = |kept: usize| {
            let back = if last_word <= kept / 2 { last_word } else { kept / 2 };
            let front: String = letters[..kept - back].iter().collect();
            let back: String = letters[letters.len() - back..].iter().collect();
            format!("{}…{back}{value}", front.trim_end())
        };
        let whole = std::iter::once(format!("{name}{value}"));
        let mut texts = whole.chain((2..letters.len()).rev().map(short));
        let fits = |text: &String| self.width(text) <= width;
        texts.find(fits).unwrap_or_else(|| self.cut(value.trim_start_matches([':', ' ']), width))
    }

    /// The text in lines of this width, broken between words; what does not fit the last line is cut.
    pub(super) fn wrap(self, text: &str, width: f64, most: usize) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for word in text.split_whitespace() {
            let full = lines.len() == most;
            match lines.last_mut() {
                Some(line) if full || self.width(&format!("{line} {word}")) <= width => {
                    line.push(' ');
                    line.push_str(word);
                }
                Some(_) | None => lines.push(word.to_string()),
            }
        }
        lines.into_iter().map(|line| self.cut(&line, width)).collect()
    }
}

/// Title and subtitle of a plot.
pub(super) struct Header {
    title: Vec<String>,
    subtitle: Vec<String>,
}

impl Header {
    const TITLE: Type = Type::LABEL.size(TITLE).bold();
    const SUBTITLE: Type = Type::LABEL.size(SUBTITLE).muted();

    pub(super) fn new(title: &str, subtitle: &str) -> Header {
        let width = WIDTH - 2.0 * EDGE;
        Header { title: Self::TITLE.wrap(title, width, 2), subtitle: Self::SUBTITLE.wrap(subtitle, width, 3) }
    }

    /// Where the space below begins.
    pub(super) fn bottom(&self) -> f64 {
        14.0 + TITLE_LINE * self.title.len() as f64 + 17.0 * self.subtitle.len() as f64 + 10.0
    }

    fn draw(&self, canvas: &mut Canvas<'_>) {
        let mut y = 14.0 + TITLE_LINE / 2.0;
        for line in &self.title {
            canvas.text(EDGE, y, line, Self::TITLE);
            y += TITLE_LINE;
        }
        y -= 2.0;
        for line in &self.subtitle {
            canvas.text(EDGE, y, line, Self::SUBTITLE);
            y += 17.0;
        }
    }
}

/// What a plot is drawn on, in logical pixels from the upper left corner.
pub(super) struct Canvas<'a> {
    backend: SVGBackend<'a>,
    failed: bool,
}

/// Draws a plot of this height under its header; `None` if anything in it has no place on a page.
pub(super) fn draw(header: &Header, height: f64, paint: impl FnOnce(&mut Canvas<'_>)) -> Option<String> {
    register();
    let size = (fine(WIDTH)? as u32, fine(height)? as u32);
    let mut svg = String::new();
    let failed = {
        let mut canvas = Canvas { backend: SVGBackend::with_string(&mut svg, size), failed: false };
        canvas.rectangle(0.0, 0.0, WIDTH, height, WHITE);
        header.draw(&mut canvas);
        paint(&mut canvas);
        canvas.failed |= canvas.backend.present().is_err();
        canvas.failed
    };
    (!failed).then(|| finish(&svg, size, height))
}

/// The logical size for the root, attributes that renderers are fast with, and the font with what may stand for it.
fn finish(svg: &str, size: (u32, u32), height: f64) -> String {
    svg.replacen(
        &format!("<svg width=\"{}\" height=\"{}\"", size.0, size.1),
        &format!("<svg width=\"{WIDTH}\" height=\"{height}\""),
        1,
    )
    .replace(&format!("font-family=\"{FAMILY}\""), FAMILIES)
    .replace(" opacity=\"1\"", "")
    // The opacity of an element costs a layer of its own when rasterised; that of its paint does not.
    .replace("<polygon opacity=", "<polygon fill-opacity=")
    .replace("<polyline fill=\"none\"", "<polyline fill=\"none\" stroke-linejoin=\"round\"")
}

/// Quarters of a pixel; `None` for what lies far off any page.
fn fine(logical: f64) -> Option<i32> {
    (logical.is_finite() && logical.abs() < 1e5).then(|| (logical * FINE).round() as i32)
}

fn stroke(colour: RGBColor, width: f64) -> ShapeStyle {
    let width = fine(width).and_then(|width| u32::try_from(width).ok()).unwrap_or(1);
    ShapeStyle { color: RGBAColor::from(colour), filled: false, stroke_width: width }
}

fn fill(colour: RGBColor, opacity: f64) -> ShapeStyle {
    ShapeStyle { color: RGBAColor(colour.0, colour.1, colour.2, opacity), filled: true, stroke_width: 0 }
}

impl Canvas<'_> {
    /// Does something at these points, unless one of them is no place.
    fn at(&mut self, points: &[(f64, f64)], paint: impl FnOnce(&mut SVGBackend<'_>, Vec<(i32, i32)>) -> bool) {
        let points: Option<Vec<(i32, i32)>> = points.iter().map(|&(x, y)| Some((fine(x)?, fine(y)?))).collect();
        let painted = points.is_some_and(|points| paint(&mut self.backend, points));
        self.failed |= !painted;
    }

    /// Writes a text whose middle is at this height.
    pub(super) fn text(&mut self, x: f64, y: f64, text: &str, look: Type) {
        // The backend centres small letters; labels are mostly digits and capitals, whose middle is higher.
        self.write(x, y + 0.07 * look.size, text, look, FontTransform::None);
    }

    /// Writes a text from bottom to top.
    pub(super) fn upright(&mut self, x: f64, y: f64, text: &str, look: Type) {
        self.write(x, y, text, look, FontTransform::Rotate270);
    }

    fn write(&mut self, x: f64, y: f64, text: &str, look: Type, transform: FontTransform) {
        let text: String = text.chars().map(|c| if is_xml(c) { c } else { ' ' }).collect();
        let weight = if look.bold { FontStyle::Bold } else { FontStyle::Normal };
        let side = match look.side {
            Side::Start => HPos::Left,
            Side::Middle => HPos::Center,
            Side::End => HPos::Right,
        };
        let font = (FAMILY, look.size * FINE * FONT_FACTOR, weight).into_font().transform(transform);
        let style = TextStyle::from(font).color(&look.colour).pos(Pos::new(side, VPos::Center));
        self.at(&[(x, y)], |backend, points| backend.draw_text(&text, &style, points[0]).is_ok());
    }

    /// A straight line.
    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), colour: RGBColor, width: f64) {
        let style = stroke(colour, width);
        self.at(&[from, to], |backend, points| backend.draw_line(points[0], points[1], &style).is_ok());
    }

    /// A line through these points.
    pub(super) fn path(&mut self, points: &[(f64, f64)], colour: RGBColor, width: f64) {
        let style = stroke(colour, width);
        self.at(points, |backend, points| backend.draw_path(points, &style).is_ok());
    }

    /// A dashed line through these points.
    pub(super) fn dashes(&mut self, points: &[(f64, f64)], dash: Dash, colour: RGBColor, width: f64) {
        for piece in dash.pieces(points) {
            self.path(&piece, colour, width);
        }
    }

    /// A filled shape.
    pub(super) fn area(&mut self, points: &[(f64, f64)], colour: RGBColor, opacity: f64) {
        let style = fill(colour, opacity);
        self.at(points, |backend, points| backend.fill_polygon(points, &style).is_ok());
    }

    /// A filled rectangle, from its upper left corner.
    pub(super) fn rectangle(&mut self, x: f64, y: f64, width: f64, height: f64, colour: RGBColor) {
        let style = fill(colour, 1.0);
        self.at(&[(x, y), (x + width, y + height)], |backend, points| {
            backend.draw_rect(points[0], points[1], &style, true).is_ok()
        });
    }

    /// The outline of a rectangle; the backend's own are always a hairline.
    pub(super) fn outline(&mut self, x: f64, y: f64, width: f64, height: f64, colour: RGBColor, thick: f64) {
        // The last leg overlaps the first, so that the corner is closed.
        let (right, bottom) = (x + width, y + height);
        let corners = [(x, y), (right, y), (right, bottom), (x, bottom), (x, y), ((x + right) / 2.0, y)];
        self.path(&corners, colour, thick);
    }

    /// A filled circle.
    pub(super) fn dot(&mut self, x: f64, y: f64, radius: f64, colour: RGBColor) {
        let style = fill(colour, 1.0);
        let radius = fine(radius).and_then(|radius| u32::try_from(radius).ok()).unwrap_or(1);
        self.at(&[(x, y)], |backend, points| backend.draw_circle(points[0], radius, &style, true).is_ok());
    }
}

/// Whether XML can hold this character.
fn is_xml(c: char) -> bool {
    !c.is_control() && c != '\u{fffe}' && c != '\u{ffff}'
}

/// A dashed line: `on` pixels of every `period`, the first after `offset`.
#[derive(Clone, Copy)]
pub(super) struct Dash {
    pub(super) on: f64,
    pub(super) period: f64,
    pub(super) offset: f64,
}

impl Dash {
    /// The dashes of limits.
    pub(super) const LIMIT: Dash = Dash { on: 6.0, period: 10.0, offset: 0.0 };

    /// The pieces of a line that are drawn.
    fn pieces(self, points: &[(f64, f64)]) -> Vec<Vec<(f64, f64)>> {
        let mut pieces = Vec::new();
        let mut piece: Vec<(f64, f64)> = Vec::new();
        let (mut drawing, mut left) = (self.offset <= 0.0, if self.offset <= 0.0 { self.on } else { self.offset });
        for pair in points.windows(2) {
            let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
            let length = libm::hypot(x1 - x0, y1 - y0);
            let mut done = 0.0;
            while length.is_finite() && done < length && pieces.len() < 2_000 {
                let step = left.min(length - done).max(1e-3);
                let at = |distance: f64| {
                    let share = (distance / length).min(1.0);
                    (x0 + (x1 - x0) * share, y0 + (y1 - y0) * share)
                };
                if drawing {
                    if piece.is_empty() {
                        piece.push(at(done));
                    }
                    piece.push(at(done + step));
                }
                done += step;
                left -= step;
                if left <= 1e-6 {
                    if drawing {
                        pieces.push(std::mem::take(&mut piece));
                    }
                    drawing = !drawing;
                    left = if drawing { self.on } else { (self.period - self.on).max(1.0) };
                }
            }
        }
        if piece.len() > 1 {
            pieces.push(piece);
        }
        pieces
    }
}
