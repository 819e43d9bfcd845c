//! The packages' own defaults, as far as outlast has a setting for them.
//!
//! Each names its option; the values are those of Keystone 30.0.0, keystonemiddleware 13.0 and keystoneauth1 5.18
//! and are compared with what those packages say in a test. Not here: defaults that are outlast's own choice.

use crate::units::Span;

/// Life of a token: keystone `[token] expiration`.
pub const EXPIRATION: Span = Span::from_seconds(3_600);

/// How long past its expiry a token still passes with `allow_expired`: keystone `[token] allow_expired_window`.
pub const ALLOW_EXPIRED_WINDOW: Span = Span::from_seconds(172_800);

/// The token format: keystone `[token] provider`.
pub const TOKEN_PROVIDER: &str = "fernet";

/// Keys in a repository, the staged one included: keystone `[fernet_tokens] max_active_keys`.
pub const MAX_ACTIVE_KEYS: u32 = 3;

/// How much longer than a token's life a revocation event is kept: keystone `[revoke] expiration_buffer`.
pub const REVOCATION_BUFFER: Span = Span::from_seconds(1_800);

/// Life of an entry in Keystone's own cache: keystone `[cache] expiration_time`, for `[token] cache_time` is unset.
/// Nothing is kept until `[cache] backend` is set.
pub const KEYSTONE_CACHE_TIME: Span = Span::from_seconds(600);

/// Whether Keystone keeps tokens where it has a cache: keystone `[token] caching` and `[cache] enabled`.
pub const KEYSTONE_CACHING: bool = true;

/// Where Keystone's cache is: keystone `[cache] backend`. This one keeps nothing.
pub const KEYSTONE_CACHE_BACKEND: &str = "dogpile.cache.null";

/// Life of an entry in auth_token's cache: `[keystone_authtoken] token_cache_time`.
pub const TOKEN_CACHE_TIME: Span = Span::from_seconds(300);

/// Roles of which a service token needs one: `[keystone_authtoken] service_token_roles`.
pub const SERVICE_TOKEN_ROLES: &[&str] = &["service"];

/// Whether a service token without such a role fails the request: `[keystone_authtoken]
/// service_token_roles_required`. True since keystonemiddleware 13.0.0, false in every release before.
pub const SERVICE_TOKEN_ROLES_REQUIRED: bool = true;

/// Whether a refused request reaches the service all the same: `[keystone_authtoken] delay_auth_decision`.
pub const DELAY_AUTH_DECISION: bool = false;

/// Retries of a connection to Keystone that fails: `[keystone_authtoken] http_request_max_retries`.
pub const HTTP_REQUEST_MAX_RETRIES: u32 = 3;

/// A held token is used again while at least this much of its life is left:
/// `keystoneauth1.identity.base.BaseIdentityPlugin.MIN_TOKEN_LIFE_SECONDS`; there is no option for it.
pub const MIN_TOKEN_LIFE: Span = Span::from_seconds(120);

/// Whether Nova and Cinder send a service token: `[service_user] send_service_user_token` (read from their source).
pub const SEND_SERVICE_USER_TOKEN: bool = false;
