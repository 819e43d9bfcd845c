//! Whole scenarios, good and bad.

use std::path::Path;

use super::*;

const WORKLOAD: &str = "[[workload]]\njob = \"boot-from-volume\"\narrivals = { poisson = \"30/h\" }\n";

fn read(text: &str) -> Result<Study, Issues> {
    load_text("t.toml", text, Path::new("."), &Overrides::default())
}

#[test]
fn explore() {
    let cases: &[&str] = &[
        "",
        "name = \n[run\nseed = 1\n",
        "name = \"x\"\nname = \"y\"\n",
        "[keystone.token]\nexpiration = \"5 fortnights\"\nalow_expired_window = 3\n[keystne]\nx = 1\n[run]\nexpiration = 3\nwarm_up = 40\nseed = -1\nreplications = 0\nconfidence = 1\n",
        "[keystone]\ntoken = 3\n",
        "[cloud.requests]\ntime = { exponentail = { mean = \"40ms\" } }\n",
        "[cloud.requests]\ntime = { exponential = { maen = \"40ms\" } }\n",
        "[cloud.requests]\ntime = { uniform = [\"1s\"] }\n",
        "[cloud.requests]\ntime = { uniform = [1, \"2s\"] }\n",
        "[cloud.requests]\ntime = { lognormal = { median = \"0s\", sigma = nan } }\n",
        "[cloud.requests]\ntime = { mix = [[1, \"1s\"], [0, \"2s\"]] }\n",
        "[cloud.requests]\ntime = { exponential = { mean = \"1s\" }, min = \"5h\" }\n",
        "[cloud.requests]\ntime = { empirical = \"nothing.csv\" }\n",
        "[sweep]\n\"keystone.token.expiraton\" = [1]\n\"run.seed\" = [1, 2]\n\"keystone.token.expiration\" = []\n\"cinder.service_user.send_service_user_token\" = [true, 1]\n\"keystone.fernet_tokens.max_active_keys\" = [3, 3]\n",
        "[sweep]\n\"workload.boot.attach\" = [\"1s\"]\n\"workload.boot-from-volume.atach\" = [\"1s\"]\n",
        "[sweep]\n\"keystone.token.expiration\" = [60, 120, 121]\n",
        "[run]\nduration = \"1h\"\n[sweep]\n\"run.warm_up\" = [\"1m\", \"1h\", \"2h\"]\n",
        "[[expect]]\nmetric = \"tokn_failure_rate\"\n",
        "[[expect]]\nmetric = \"token_failure_rate\"\nmax = \"101%\"\n[[expect]]\nmetric=\"jobs\"\nstep=\"pol\"\nmin = 3.5\nworkload = \"boot\"\nreason=\"revked\"\n",
        "[sweep]\n\"keystone.token.expiration\" = [3600, \"2h\"]\n[[expect]]\nmetric = \"failed\"\nmax = 1\nwhere = { \"keystone.token.expiration\" = \"3h\", \"keystone.token.provider\" = \"jws\" }\n",
        "preset = \"kola-ansible\"\n",
        "include = [\"t.toml\", \"nope.toml\", \"src\"]\n",
        "[cloud.fernet_rotation]\nevery = \"0s\"\nat = [\"1h\"]\n",
        "[cloud.fernet_rotation]\noffset = \"3h\"\n",
        "[nova.DEFAULT]\nblock_device_allocate_retries = 100000\nblock_device_allocate_retries_interval = 0\n",
        "[glance.keystone_authtoken]\ntoken_cache_time = 0\nservice_token_roles = [1]\n",
        "[cloud]\nrelease = \"2026.3\"\nimage_transfer = { per_job = 77, bandwidth = \"1GiB/s\" }\n",
        "[[job]]\nx = 1\n[run]\nprecision = 0.1\n",
        "expect = 3\n",
    ];
    for case in cases {
        let text = format!("name = \"x\"\n{case}{WORKLOAD}");
        println!("=====\n{case}-----");
        match read(&text) {
            Ok(_) => println!("OK"),
            Err(issues) => println!(
                "{}\n\n{}",
                issues.lines().join("\n"),
                if case.len() < 80 { issues.render(false) } else { String::new() }
            ),
        }
    }
}

#[test]
fn speed() {
    let list: Vec<String> = (200..300).map(|n| n.to_string()).collect();
    let text = format!(
        "name = \"x\"\n[sweep]\n\"keystone.token.expiration\" = [{0}]\n\"keystone.token.allow_expired_window\" = [{0}]\n{WORKLOAD}",
        list.join(",")
    );
    let start = std::time::Instant::now();
    let study = read(&text).unwrap();
    println!("{} points in {:?}", study.points.len(), start.elapsed());
}
