use super::*;

/// Options as a service might declare them.
fn options() -> Vec<Opt> {
    let opt = |section: &str, name: &str, kind| Opt {
        section: section.to_owned(),
        name: name.to_owned(),
        deprecated: Vec::new(),
        kind,
        default: None,
    };
    let any = Type::Integer { min: 0, max: i128::from(i64::MAX) };
    vec![
        Opt { default: Some(Value::Integer(3600)), ..opt("token", "expiration", any.clone()) },
        opt("token", "cache_time", any.clone()),
        opt("token", "provider", Type::Text),
        opt("cache", "enabled", Type::Flag),
        Opt {
            deprecated: vec![
                ("auth".to_owned(), "memcache_servers".to_owned()),
                ("DEFAULT".to_owned(), "old".to_owned()),
            ],
            ..opt("auth", "memcached_servers", Type::List)
        },
        opt("DEFAULT", "retries", any),
        opt("DEFAULT", "driver", Type::Multi),
    ]
}

struct Read {
    reading: Reading,
    errors: Vec<String>,
    warnings: Vec<String>,
    rendered: String,
}

/// Reads one option of some files, and renders everything that is said.
fn read(texts: &[&str], section: &str, name: &str) -> Read {
    let files: Vec<File> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| File { name: format!("{index}.conf"), text: Arc::from(*text) })
        .collect();
    let mut problems = Problems::default();
    let mut namespace = Namespace::parse(&files, 0, &mut problems);
    namespace.declare(options());
    let reading = namespace.read(section, name, &mut problems);
    namespace.look_alikes(&mut problems);
    let mut sources = crate::document::Sources::default();
    for (file, masked) in files.iter().zip(namespace.masked(&[])) {
        assert_eq!(masked.len(), file.text.len(), "{masked}");
        sources.add(&file.name, Arc::from(masked), std::path::Path::new(""));
    }
    let sources = sources.into_list();
    let (errors, warnings) = (problems.errors.finish(sources.clone()), problems.warnings.finish(sources));
    let rendered = format!("{}{}", errors.render(false), warnings.render_warnings(false));
    Read { reading, errors: errors.lines(), warnings: warnings.lines(), rendered }
}

fn found(texts: &[&str], section: &str, name: &str) -> Option<Value> {
    match read(texts, section, name).reading {
        Reading::Found(value, _) => Some(value),
        Reading::Absent | Reading::Elsewhere(_) | Reading::Refused => None,
    }
}

fn list(items: &[&str]) -> Option<Value> {
    Some(Value::List(items.iter().map(|item| (*item).to_owned()).collect()))
}

#[test]
fn the_last_line_of_the_last_file_wins() {
    let cases: &[(&[&str], Option<Value>)] = &[
        (&["[token]\nexpiration = 1\n[x]\n[Token]\nexpiration = 2"], Some(Value::Integer(2))),
        (&["[token]\nexpiration = 1", "[TOKEN]\nexpiration = 2"], Some(Value::Integer(2))),
        (&["[token]\nexpiration = 1", "[token]\nother = 2"], Some(Value::Integer(1))),
        (&["[DEFAULT]\nexpiration = 1"], None),
        (&["[token]\nEXPIRATION = 1"], None),
        (&["[ token ]\nexpiration = 1"], None),
        (&["[token]\nexpiration ="], Some(Value::Nothing)),
        (&["[token]\nexpiration: '7_200'"], Some(Value::Integer(7_200))),
    ];
    for (texts, expected) in cases {
        assert_eq!(found(texts, "token", "expiration"), *expected, "{texts:?}");
    }
}

#[test]
fn old_names_count_where_a_file_has_no_right_one() {
    let cases: &[(&[&str], &[&str])] = &[
        (&["[auth]\nmemcache_servers = a:1"], &["a:1"]),
        (&["[auth]\nmemcache_servers = a:1\nmemcached_servers = b:1"], &["b:1"]),
        (&["[auth]\nmemcached_servers = b:1", "[DEFAULT]\nold = c:1"], &["c:1"]),
        (&["[auth]\nmemcached_servers = a:1,\n  b:1 ,\n  # x,\n  c:1"], &["a:1", "b:1", "# …", "c:1"]),
    ];
    for (texts, expected) in cases {
        assert_eq!(found(texts, "auth", "memcached_servers"), list(expected), "{texts:?}");
    }
    let texts = &["[DEFAULT]\ndriver = a", "[DEFAULT]\ndriver = b\ndriver = c"];
    assert_eq!(found(texts, "DEFAULT", "driver"), list(&["a", "b", "c"]));
}

#[test]
fn references_reach_their_own_section_and_then_default() {
    let cases: &[(&str, &str, Option<Value>)] = &[
        ("[token]\nexpiration = 7200\ncache_time = $expiration", "cache_time", Some(Value::Integer(7_200))),
        ("[token]\ncache_time = ${token.expiration}", "cache_time", Some(Value::Integer(3_600))),
        ("[DEFAULT]\nretries = 5\n[token]\ncache_time = 1$retries", "cache_time", Some(Value::Integer(15))),
        ("[cache]\nenabled = yes\n[token]\nprovider = $cache.enabled", "provider", Some(Value::Text("True".into()))),
        ("[token]\nprovider = $cache.enabled", "provider", Some(Value::Text(String::new()))),
        ("[token]\nprovider = a$$b\\$c", "provider", Some(Value::Text("a$b$c".into()))),
    ];
    for (text, name, expected) in cases {
        assert_eq!(found(&[text], "token", name), *expected, "{text}");
    }
    let read_one = |text| read(&[text], "token", "expiration");
    assert!(matches!(read_one("[token]\nexpiration = $database.password\n").reading, Reading::Elsewhere(_)));
    let endless = read_one("[token]\nexpiration = $cache_time\ncache_time = $expiration");
    assert_eq!(endless.reading, Reading::Refused);
    assert!(endless.errors[0].contains("the reference leads to itself"), "{:?}", endless.errors);
}

/// Each: a text, and the words of its only error or warning.
#[test]
fn what_is_wrong_is_told_with_its_line() {
    let errors = [
        ("[token]\n\nexpiration = 7200 # two hours", "0.conf:3:1: `expiration`: `7200 # …` is no integer"),
        ("[token]\nexpiration = -1", "0.conf:2:1: `expiration`: `-1` should be greater than or equal to 0"),
        ("[token]\nexpiration = 1\n  next = 2", "0.conf:2:1: `expiration`: the value goes on in the next line"),
        ("[token]\n# c\n  expiration = 1", "0.conf:3:1: unexpected continuation line"),
        ("[token\nexpiration = 1", "0.conf:1:1: invalid section (must end with ])"),
    ];
    for (text, expected) in errors {
        let read = read(&[text], "token", "expiration");
        assert!(matches!(read.errors.as_slice(), [one] if one.starts_with(expected)), "{text}: {:?}", read.errors);
    }
    let warnings = [
        ("[default]\n", "0.conf:1:1: this is not `[DEFAULT]`"),
        ("[ Token ]\n", "0.conf:1:1: this is not `[token]`"),
        ("[token]\ncache-time = 1\n", "0.conf:2:1: this is not the option `cache_time`"),
        ("[token]\nExpiration = 1\n", "0.conf:2:1: this is not the option `expiration`"),
        ("[DEFAULT]\nexpiration = 1\n", "0.conf:2:1: `expiration` is an option of `[token]`"),
        ("[token]\nexpiration = 1\nexpiration = 2\n", "0.conf:3:1: `expiration` is set 2 times in this file"),
    ];
    for (text, expected) in warnings {
        let read = read(&[text], "token", "expiration");
        assert!(read.errors.is_empty(), "{text}: {:?}", read.errors);
        assert!(matches!(read.warnings.as_slice(), [one] if one.starts_with(expected)), "{text}: {:?}", read.warnings);
    }
    let comment = read(&["[token]\nprovider = fernet ; the best"], "token", "provider");
    assert_eq!(
        comment.reading,
        Reading::Found(Value::Text("fernet ; …".into()), Place { source: 0, start: 8, end: 36 })
    );
    assert!(comment.warnings[0].contains("the comment is a part of the value"), "{:?}", comment.warnings);
    let old = read(&["[auth]\nmemcache_servers = a:1"], "auth", "memcached_servers");
    assert!(old.warnings[0].contains("is an old name of `[auth] memcached_servers`"), "{:?}", old.warnings);
}

#[test]
fn nothing_is_shown_that_may_be_a_secret() {
    let secret = "hunter2";
    let lines = [
        "[token]\nexpiration = 1h # hunter2",
        "[token]\nexpiration = 1\n  password = hunter2",
        "[token]\nexpiration = 1\n  password: hunter2\nexpiration = 2",
        "[token]\nexpiration = 1\npassword = hunter2\nexpiration = 2",
        "[token]\n\n hunter2",
        "[token]\nhunter2",
        "[hunter2",
        "hunter2 = hunter2",
        "[default]\nexpiration = hunter2",
        "[token]\nEXPIRATION = hunter2\nexpiration = x",
        "[DEFAULT]\nexpiration = hunter2",
        "[token]\nexpiration = $password\npassword = hunter2",
        "[token]\nexpiration = x\n [hunter2]\n  hunter2",
        "[token]\nexpiration = hunter2",
        "[token]\nexpiration = '5 hunter2'",
        "[token]\nexpiration = 5\nexpiration = $hunter2",
    ];
    for text in lines {
        let read = read(&[text], "token", "expiration");
        assert!(!read.rendered.is_empty() || matches!(read.reading, Reading::Elsewhere(_)), "{text}");
        assert!(!read.rendered.contains(secret), "{text}:\n{}", read.rendered);
        assert!(!format!("{:?}", read.reading).contains(secret), "{text}: {:?}", read.reading);
    }
    let text = "[auth]\nmemcache_servers = a:1, nova:hunter2@b:1,\n  nova:hunter2@c:1";
    let servers = read(&[text], "auth", "memcached_servers");
    let (reading, rendered) = (format!("{:?}", servers.reading), servers.rendered);
    assert!(reading.contains("\"b:1\", \"c:1\"") && !reading.contains(secret), "{reading}");
    assert!(rendered.contains("old name") && !rendered.contains(secret), "{rendered}");
    let servers = read(&["[auth]\nmemcached_servers = a:1\n  password = hunter2"], "auth", "memcached_servers");
    assert_eq!(servers.reading, Reading::Refused);
    assert!(!servers.rendered.contains(secret), "{}", servers.rendered);
}
