//! The integration tests: one binary, a module per behaviour.

/// Who may import whom, and how long a file may be.
mod architecture;
/// The rules against what the real Keystone, keystonemiddleware and keystoneauth answered.
mod oracle;
