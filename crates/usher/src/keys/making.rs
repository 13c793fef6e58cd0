//! Making signing keys. An RSA key takes a second or so, so it is made in a thread of its own and with no transaction open.

use anyhow::Context;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair};
use usher_oidc::jose::{Algorithm, SigningKey};
use zeroize::Zeroizing;

/// A key that nobody knows of yet.
pub struct Made {
    pub key: SigningKey,
    /// Its private half, as PKCS #8.
    pub pkcs8: Zeroizing<Vec<u8>>,
}

/// Makes a key of this algorithm, named by its thumbprint.
pub async fn make(algorithm: Algorithm) -> anyhow::Result<Made> {
    tokio::task::spawn_blocking(move || {
        let pkcs8 = generate(algorithm).with_context(|| format!("generating a key for {algorithm}"))?;
        let key = SigningKey::from_pkcs8_by_thumbprint(algorithm, &pkcs8).context("parsing a new key")?;
        Ok(Made { key, pkcs8 })
    })
    .await?
}

fn generate(algorithm: Algorithm) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let pkcs8 = match algorithm {
        Algorithm::EdDsa => Ed25519KeyPair::generate()?.to_pkcs8v1()?.as_ref().to_vec(),
        Algorithm::Es256 => EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?.to_pkcs8v1()?.as_ref().to_vec(),
        Algorithm::Rs256 => {
            // 128 bits of strength, as the other two have.
            let der: Pkcs8V1Der<'static> = RsaKeyPair::generate(KeySize::Rsa3072)?.as_der()?;
            der.as_ref().to_vec()
        }
    };
    Ok(Zeroizing::new(pkcs8))
}
