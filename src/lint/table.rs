//! The table of lints: code, name, what it says, why, and what helps. Documents and renderers follow from it.

/// How bad a finding is; the worst comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Requests are going to be refused.
    Error,
    /// Some are, under conditions that are likely to come.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    /// The word.
    pub const fn code(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

/// What is known of a lint whatever the scenario.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// Stable: programs may compare it. Never given to another lint.
    pub code: &'static str,
    /// A name in words, stable too.
    pub name: &'static str,
    /// How bad it usually is; a finding may be milder or worse where this says so.
    pub severity: Severity,
    /// When it is found.
    pub when: &'static str,
    /// The rule behind it.
    pub rule: &'static str,
    /// Where the rule comes from.
    pub source: &'static str,
    /// What helps.
    pub remedy: &'static str,
}

/// Declares the closed list: enum, order and what is known of each.
macro_rules! lints {
    ($($lint:ident: $code:literal $name:literal $severity:ident {
        when: $when:literal, rule: $rule:literal, source: $source:literal, remedy: $remedy:literal $(,)?
    })+) => {
        /// A lint.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Lint { $(#[doc = $when] $lint),+ }

        impl Lint {
            /// Every lint, in the order of the reference.
            pub const ALL: &'static [Lint] = &[$(Lint::$lint),+];

            /// What is known of it.
            pub const fn about(self) -> About {
                match self {
                    $(Lint::$lint => About {
                        code: $code, name: $name, severity: Severity::$severity,
                        when: $when, rule: $rule, source: $source, remedy: $remedy,
                    }),+
                }
            }

            /// Its stable code.
            pub const fn code(self) -> &'static str {
                self.about().code
            }
        }
    };
}

lints! {
    KeysDieBeforeTokens: "OUT-K001" "keys-die-before-tokens" Error {
        when: "A Fernet key may be purged while tokens that it encrypted have not expired yet.",
        rule: "A token is lost at rotation number max(max_active_keys - 2, 0) + 1 after its issue, so one that is issued just before a rotation lasts (max_active_keys - 2) periods. With fewer than 3 keys that is nothing. Extra rotations, late and missed copies and the clocks of Keystone's nodes are replayed exactly.",
        source: "keystone:keystone/common/fernet_utils.py:FernetUtils.rotate_keys; keystone:doc/source/admin/fernet-token-faq.rst",
        remedy: "more `max_active_keys`, rarer rotations, or a shorter `expiration`"
    }
    KeysDieInWindow: "OUT-K002" "keys-die-in-window" Error {
        when: "Keys outlive the lifetime of tokens, but not `allow_expired_window` behind it.",
        rule: "Beside a service token an expired token is good until expiration + allow_expired_window, if it can still be decrypted: the window that is really there is min(window, cover - expiration).",
        source: "keystone:doc/source/admin/fernet-token-faq.rst; keystone:keystone/token/provider.py:Manager._is_valid_token",
        remedy: "max_active_keys >= (expiration + window) / period + 2, rarer rotations, or a smaller window"
    }
    NoMargin: "OUT-K003" "no-margin" Warning {
        when: "Keys last exactly as long as tokens need them.",
        rule: "A node that gets the new keys late goes on encrypting with the old one, so its tokens have the cover less that lag. A clock that is off costs as much.",
        source: "keystone:keystone/conf/fernet_tokens.py (help of max_active_keys); bugs 1816927 and 1849519 of Keystone and its charm",
        remedy: "one key more"
    }
    LateCopies: "OUT-K004" "late-copies" Warning {
        when: "Copies of the keys may come later, or be missed more often, than the margin allows.",
        rule: "A node without the newest copies encrypts with an older key, which the others purge as many rotations sooner.",
        source: "keystone:keystone/conf/fernet_tokens.py: two rotations without a copy between them are unsafe",
        remedy: "one key more for each rotation that a copy may be late"
    }
    NoSpareRotation: "OUT-K005" "no-spare-rotation" Note {
        when: "A single further rotation (a playbook that is run again, a failover) breaks the window.",
        rule: "Within expiration + window at most max_active_keys - 2 rotations may happen.",
        source: "openstack-ansible-os_keystone:tasks/keystone_fernet_keys_create.yml rotates on every run of the role",
        remedy: "one key more for each rotation beside the schedule"
    }
    KeysNotShared: "OUT-K006" "keys-not-shared" Error {
        when: "A node of Keystone gets tokens whose key it does not hold yet, or never will.",
        rule: "A node decrypts only with keys in its own repository. With two keys or more the key that encrypts after a rotation was staged before it; with one it was not, nor where each node rotates by itself.",
        source: "keystone:keystone/token/token_formatters.py:TokenFormatter.unpack; recorded: table load_balanced",
        remedy: "rotate on one node and copy its repository to all others after each rotation"
    }
    RoleMissing: "OUT-S001" "service-role-missing" Error {
        when: "A sender's service token lacks every role that the receiver accepts, and the receiver requires one.",
        rule: "With service_token_roles_required a service token without an accepted role fails the whole request, even while the user's token is good.",
        source: "keystonemiddleware:keystonemiddleware/auth_token/__init__.py:AuthProtocol.process_request; recorded: table middleware",
        remedy: "grant the role to the service user, or list one that it holds in `service_token_roles`"
    }
    RoleIgnored: "OUT-S002" "service-role-ignored" Warning {
        when: "A sender's service token lacks every accepted role, and the receiver ignores it.",
        rule: "Only a service token with an accepted role opens the window; without one the request is refused as soon as the user's token has expired.",
        source: "keystonemiddleware:keystonemiddleware/auth_token/__init__.py:AuthProtocol.process_request; recorded: table middleware",
        remedy: "grant the role to the service user, or list one that it holds in `service_token_roles`"
    }
    UpgradeRequiresRole: "OUT-S003" "upgrade-requires-role" Warning {
        when: "A receiver leaves `service_token_roles_required` to a release in which it is false, and a sender lacks the role.",
        rule: "From 2026.2 on (keystonemiddleware 13.0) the default is true: what fails after expiration today is refused at once on the first day after the upgrade.",
        source: "openstack/keystonemiddleware@f76f78c (bug 2129016)",
        remedy: "grant the role before the upgrade"
    }
    NoServiceToken: "OUT-S004" "no-service-token" Warning {
        when: "A service forwards the user's token without a service token of its own.",
        rule: "Without a service token auth_token refuses an expired token, so every request of a job that is older than the rest of the token's life fails.",
        source: "keystonemiddleware:keystonemiddleware/auth_token/__init__.py; nova:nova/service_auth.py; cinder:cinder/service_auth.py",
        remedy: "`send_service_user_token = true` in `[service_user]` of the sender"
    }
    GlanceBackend: "OUT-S005" "glance-backend" Warning {
        when: "Glance reads or writes its backend under the user's token.",
        rule: "Glance has no `[service_user]` and never sends a service token, so the backend refuses an expired token whatever the window.",
        source: "glance_store:glance_store/_drivers/swift/store.py:MultiTenantStore; cinder:doc/source/configuration/block-storage/service-token.rst",
        remedy: "a single-tenant Swift store, a user of its own for the Cinder store (all of `cinder_store_user_name`, `cinder_store_password`, `cinder_store_project_name`, `cinder_store_auth_address`), or tokens that outlive the jobs"
    }
    BackupToSwift: "OUT-S006" "backup-to-swift" Warning {
        when: "Backups go to Swift under the user's token without a service token.",
        rule: "`send_service_user_token` alone does nothing towards Swift; `backup_swift_service_auth` has to be set as well.",
        source: "cinder:cinder/backup/drivers/swift.py:SwiftBackupDriver (bug 1298135)",
        remedy: "both switches, or `backup_swift_auth = single_user`"
    }
    TokenExchange: "OUT-S007" "token-exchange" Warning {
        when: "A service exchanges the user's token for another one.",
        rule: "Keystone exchanges no expired token: no window, whatever service token comes along.",
        source: "keystone:keystone/auth/plugins/token.py:token_authenticate; recorded: table token_exchange",
        remedy: "credentials of the service's own where it has an option for them (`[nova] auth_type` in cinder.conf)"
    }
    DetachConflict: "OUT-S008" "detach-conflict" Error {
        when: "Nova detaches volumes without a service token that Cinder accepts.",
        rule: "Since CVE-2023-2088 Cinder deletes an attachment in use only for a service token with a role, whatever the age of the user's token.",
        source: "cinder:cinder/volume/api.py:attachment_deletion_allowed; OSSA-2023-003",
        remedy: "`[service_user] send_service_user_token = true` in nova.conf, with the role that Cinder accepts"
    }
    NoCredentials: "OUT-S009" "no-credentials" Error {
        when: "`send_service_user_token` is on, and `[service_user]` has nothing to log in with. A warning of Nova, which then sends none.",
        rule: "Without `auth_type`, in that section or the one that `auth_section` names, no credentials are loaded. Cinder raises ServiceUserTokenNoAuth at every call to another service; Nova logs a warning and sends the user's token alone. Found in configuration files only.",
        source: "nova:nova/service_auth.py; cinder:cinder/service_auth.py; keystoneauth:keystoneauth1/loading/conf.py:load_from_conf_options",
        remedy: "`auth_type` and what goes with it in `[service_user]`"
    }
    WindowZero: "OUT-W001" "window-zero" Warning {
        when: "`allow_expired_window` is 0. A note where no service sends service tokens anyway.",
        rule: "A service token helps only within the window. Without one the lifetime alone has to cover the longest job.",
        source: "keystone:keystone/token/provider.py:Manager._is_valid_token",
        remedy: "a window as long as the longest job, or a lifetime of that length"
    }
    ShortExpiration: "OUT-W002" "short-expiration" Warning {
        when: "`expiration` is at most 120 s. An error at 0, with which every token is dead.",
        rule: "keystoneauth uses a token again only while at least 120 s of its life are left, so each request of a service fetches a token, and auth_token logs in anew for each validation.",
        source: "keystoneauth:keystoneauth1/identity/base.py:BaseIdentityPlugin.MIN_TOKEN_LIFE_SECONDS",
        remedy: "an `expiration` well above 120 s"
    }
    WaitTooShort: "OUT-W003" "wait-too-short" Warning {
        when: "A service stops waiting before what it waits for can be done. An error where that is always so.",
        rule: "Nova asks for a volume block_device_allocate_retries times and once more, so with the defaults it gives up after 61 polls, about 3 minutes.",
        source: "nova:nova/compute/manager.py:_await_block_device_map_created",
        remedy: "more retries or a longer interval; then see that tokens last as long (OUT-W004)"
    }
    WaitOutlivesToken: "OUT-W004" "wait-outlives-token" Warning {
        when: "A service waits longer than the token that it asks with is good.",
        rule: "The user's token is not renewed while a job runs; polls need it until expiration, and beside a service token until the effective window ends.",
        source: "nova:nova/context.py:_ContextAuthPlugin; keystone:keystone/token/provider.py:Manager._is_valid_token",
        remedy: "a service token at the sender, a window as long as the wait, or a shorter wait"
    }
    TransferOutlivesToken: "OUT-W005" "transfer-outlives-token" Warning {
        when: "Some jobs ask for something after a long phase when even a new token is no longer good.",
        rule: "A transfer under way is not interrupted, but the next request is refused once the token is past its expiration, or past the effective window beside a service token. Each request is looked at when the job's own course comes to it: alone, without queues and with the least of what is drawn; answers that receivers keep are left out.",
        source: "keystonemiddleware:keystonemiddleware/auth_token/__init__.py:AuthProtocol.process_request",
        remedy: "service tokens along the whole way, or an `expiration` as long as the longest job"
    }
    ClockAhead: "OUT-W006" "clock-ahead" Warning {
        when: "The clock of a receiver is ahead.",
        rule: "auth_token compares the expiry once more with its own clock and knows no leeway: tokens are refused that much early.",
        source: "keystoneauth:keystoneauth1/access/access.py:AccessInfo.will_expire_soon; recorded: table clock_skew",
        remedy: "the same time on all hosts"
    }
    CacheHidesKeyLoss: "OUT-C001" "cache-hides-key-loss" Warning {
        when: "Keys are purged too early, and a receiver's cache hides it for a while.",
        rule: "auth_token keeps a good answer for token_cache_time and asks nobody meanwhile, so a lost key shows minutes later, and with a cache per worker as a 401 that comes and goes.",
        source: "keystonemiddleware:keystonemiddleware/auth_token/_cache.py; recorded: table cache",
        remedy: "keys that last (OUT-K001, OUT-K002); the cache is not at fault"
    }
    KeystoneCacheHidesKeyLoss: "OUT-C002" "keystone-cache-hides-key-loss" Warning {
        when: "Keys are purged too early, and Keystone's own cache hides it for a while.",
        rule: "Keystone keeps what it has read of a token for `[token] cache_time`; only the window and revocation are looked at each time.",
        source: "keystone:keystone/token/provider.py:Manager._validate_token; recorded: table keystone_cache",
        remedy: "keys that last (OUT-K001, OUT-K002)"
    }
    CacheLengthensLife: "OUT-C003" "cache-lengthens-life" Note {
        when: "A receiver keeps answers longer than by default (300 s).",
        rule: "Revoked tokens, tokens of disabled users and, beside a service token, tokens past the window pass for as long as an answer is kept.",
        source: "keystonemiddleware:keystonemiddleware/auth_token/_opts.py:token_cache_time; recorded: table cache",
        remedy: "a shorter `token_cache_time`"
    }
    RevocationForgotten: "OUT-R001" "revocation-forgotten" Note {
        when: "`allow_expired_window` is longer than Keystone remembers revocations.",
        rule: "Events older than expiration + `[revoke] expiration_buffer` (1800 s) are pruned by any later revocation, and the window does not count: the revoked token is then good again beside a service token, until the window ends.",
        source: "keystone:keystone/revoke/backends/base.py:revoked_before_cutoff_time; recorded: table revocation_prune",
        remedy: "an `expiration_buffer` of at least the window"
    }
    Exposure: "OUT-X001" "exposure" Note {
        when: "Always: how long a stolen token is of use.",
        rule: "Alone until it expires; together with a service role until the effective window ends, and as long after as a receiver keeps its answer; after its revocation as long as a receiver keeps its answer.",
        source: "keystone:keystone/conf/token.py (help of expiration); keystonemiddleware:keystonemiddleware/auth_token/_cache.py",
        remedy: "the shortest `expiration`, window and `token_cache_time` that the jobs allow"
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_and_names_are_unique_and_well_formed() {
        let codes: BTreeSet<&str> = Lint::ALL.iter().map(|lint| lint.code()).collect();
        let names: BTreeSet<&str> = Lint::ALL.iter().map(|lint| lint.about().name).collect();
        assert_eq!((codes.len(), names.len()), (Lint::ALL.len(), Lint::ALL.len()));
        for code in codes {
            let (family, number) = code.strip_prefix("OUT-").expect("all begin alike").split_at(1);
            assert!("KSWCRX".contains(family) && number.len() == 3 && number.parse::<u32>().is_ok(), "{code}");
        }
        assert!(Lint::ALL.is_sorted_by_key(|lint| "KSWCRX".find(&lint.code()[4..5])), "families stand together");
    }
}
