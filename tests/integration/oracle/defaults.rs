//! Table `defaults`: the packages' own defaults against outlast's constants.

use outlast::identity::defaults;
use outlast::units::Span;

use super::{Compare, Row, table, tell};

/// The releases whose defaults outlast has; another one may have others.
const VERSIONS: [(&str, &str); 3] =
    [("keystone", "30.0.0"), ("keystonemiddleware", "13.0.1"), ("keystoneauth1", "5.18.1")];

/// Options that no rule has a setting for, by section: where keys and revocations are kept, and how auth_token
/// reaches Keystone and its cache.
const NOT_SIMULATED: [(&str, &str, &[&str]); 5] = [
    ("keystone", "[token]", &["cache_on_issue", "allow_rescope_scoped_token"]),
    ("keystone", "[fernet_tokens]", &["key_repository"]),
    ("keystone", "[revoke]", &["driver", "caching", "cache_time"]),
    ("keystone", "[cache]", &["backend_expiration_time"]),
    (
        "keystonemiddleware",
        "[keystone_authtoken]",
        &[
            "www_authenticate_uri",
            "auth_version",
            "interface",
            "http_connect_timeout",
            "cache",
            "certfile",
            "keyfile",
            "cafile",
            "insecure",
            "region_name",
            "memcached_servers",
            "memcache_security_strategy",
            "memcache_secret_key",
            "memcache_pool_dead_retry",
            "memcache_pool_maxsize",
            "memcache_pool_socket_timeout",
            "memcache_pool_unused_timeout",
            "memcache_pool_conn_get_timeout",
            "memcache_use_advanced_pool",
            "memcache_sasl_enabled",
            "memcache_username",
            "memcache_password",
            "memcache_tls_enabled",
            "include_service_catalog",
            "enforce_token_bind",
            "service_type",
            "auth_type",
            "auth_section",
        ],
    ),
];

/// As Python prints it.
fn boolean(value: bool) -> String {
    if value { "True" } else { "False" }.to_owned()
}

fn seconds(span: Span) -> (String, &'static str) {
    ((span.micros() / 1_000_000).to_string(), "s")
}

/// outlast's default and its unit; `None` for what is not simulated.
fn constant(row: &Row<'_>) -> Option<(String, &'static str)> {
    let found = match (row.text("package"), row.text("where"), row.text("name")) {
        ("keystone", "[token]", "expiration") => seconds(defaults::EXPIRATION),
        ("keystone", "[token]", "allow_expired_window") => seconds(defaults::ALLOW_EXPIRED_WINDOW),
        ("keystone", "[token]", "provider") => (defaults::TOKEN_PROVIDER.to_owned(), ""),
        ("keystone", "[fernet_tokens]", "max_active_keys") => (defaults::MAX_ACTIVE_KEYS.to_string(), "keys"),
        ("keystone", "[revoke]", "expiration_buffer") => seconds(defaults::REVOCATION_BUFFER),
        ("keystone", "[token]", "caching") | ("keystone", "[cache]", "enabled") => {
            (boolean(defaults::KEYSTONE_CACHING), "")
        }
        // Unset: that of `[cache]`.
        ("keystone", "[token]", "cache_time") => (String::new(), "s"),
        ("keystone", "[cache]", "backend") => (defaults::KEYSTONE_CACHE_BACKEND.to_owned(), ""),
        ("keystone", "[cache]", "expiration_time") => seconds(defaults::KEYSTONE_CACHE_TIME),
        ("keystonemiddleware", "[keystone_authtoken]", "token_cache_time") => seconds(defaults::TOKEN_CACHE_TIME),
        ("keystonemiddleware", "[keystone_authtoken]", "http_request_max_retries") => {
            (defaults::HTTP_REQUEST_MAX_RETRIES.to_string(), "")
        }
        ("keystonemiddleware", "[keystone_authtoken]", "delay_auth_decision") => {
            (boolean(defaults::DELAY_AUTH_DECISION), "")
        }
        ("keystonemiddleware", "[keystone_authtoken]", "service_token_roles_required") => {
            (boolean(defaults::SERVICE_TOKEN_ROLES_REQUIRED), "")
        }
        ("keystonemiddleware", "[keystone_authtoken]", "service_token_roles") => {
            let roles: Vec<String> = defaults::SERVICE_TOKEN_ROLES.iter().map(|role| format!("'{role}'")).collect();
            (format!("[{}]", roles.join(", ")), "")
        }
        ("keystoneauth1", "identity.base.BaseIdentityPlugin", "MIN_TOKEN_LIFE_SECONDS") => {
            seconds(defaults::MIN_TOKEN_LIFE)
        }
        ("nova" | "cinder", "[service_user]", "send_service_user_token") => {
            (boolean(defaults::SEND_SERVICE_USER_TOKEN), "")
        }
        (package, section, name) => {
            let listed = NOT_SIMULATED.iter().any(|(known_package, known_section, names)| {
                (package, section) == (*known_package, *known_section) && names.contains(&name)
            });
            if listed {
                return None;
            }
            row.unexpected("name", &format!("an option of {package} {section} that is simulated or listed as not"))
        }
    };
    Some(found)
}

#[test]
fn defaults_of_the_packages() {
    let Some(table) = table("defaults") else { return };
    table.expect_columns(&["package", "version", "where", "name", "default", "unit"]);
    let mut compare = Compare::new(&table);
    let mut not_simulated = Vec::new();
    for row in table.rows() {
        let option = format!("{} {}", row.text("where"), row.text("name"));
        let Some((default, unit)) = constant(&row) else {
            not_simulated.push(option);
            continue;
        };
        compare.row();
        compare.value(&row, &option, row.text("default"), default);
        compare.value(&row, &format!("{option}, unit"), row.text("unit"), unit);
        if let Some((_, version)) = VERSIONS.iter().find(|(package, _)| *package == row.text("package")) {
            compare.value(&row, &format!("{option}, version"), row.text("version"), version);
        }
    }
    tell(&format!("oracle: defaults: not simulated, so not compared: {}", not_simulated.join(", ")));
    // A part of the record may hold nothing else.
    if not_simulated.len() < table.rows().count() || not_simulated.is_empty() {
        compare.finish();
    }
}
