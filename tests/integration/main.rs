//! The integration tests: one binary, a module per behaviour.

/// The rules against what the real Keystone, keystonemiddleware and keystoneauth answered.
mod oracle;
