//! The operator's own key for the checkpoints of the audit log.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use usher_log::SigningKey;
use zeroize::Zeroizing;

use super::Hidden;

/// An Ed25519 private key: a seed, or PKCS#8.
#[derive(Clone, Debug)]
pub struct AuditKey(Hidden<Vec<u8>>);

impl AuditKey {
    /// Reads base64, within the lines of PEM or without.
    ///
    /// # Errors
    ///
    /// A sentence that says what is wrong and how to mend it, without the text itself.
    pub fn parse(text: &str) -> Result<Self, String> {
        const MEND: &str = "make one with `openssl genpkey -algorithm ed25519`";
        let lines = text.lines().filter(|line| !line.starts_with("-----"));
        let base64 = Zeroizing::new(lines.map(str::trim).collect::<String>());
        let bytes = STANDARD.decode(base64.as_bytes()).map(Hidden::new).map_err(|_| format!("is not base64; {MEND}"))?;
        match SigningKey::parse("usher", bytes.expose()) {
            Ok(_) => Ok(Self(bytes)),
            Err(error) => Err(format!("{error}; {MEND}")),
        }
    }

    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.expose()
    }
}
