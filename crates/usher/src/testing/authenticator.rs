//! An authenticator of our own making: it keeps keys on P-256, and can be told to lie.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::PUBLIC_URL;
use crate::secret::{randomness, sha256};

const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;
const BACKUP_ELIGIBLE: u8 = 0x08;
const BACKED_UP: u8 = 0x10;
const NEW_KEY: u8 = 0x40;

/// A key for one account.
pub struct Authenticator {
    key: EcdsaKeyPair,
    pub id: Vec<u8>,
    pub handle: Vec<u8>,
    pub count: u32,
    /// What the browser says where it is.
    pub origin: String,
    pub is_verified: bool,
    pub is_backed_up: bool,
}

impl Authenticator {
    pub fn new(id: &[u8]) -> Self {
        Self {
            key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap(),
            id: id.to_vec(),
            handle: Vec::new(),
            count: 0,
            origin: PUBLIC_URL.to_owned(),
            is_verified: true,
            is_backed_up: false,
        }
    }

    /// Answers the options of a registration.
    pub fn create(&mut self, options: &Value) -> Value {
        self.handle = URL_SAFE_NO_PAD.decode(options["user"]["id"].as_str().unwrap()).unwrap();
        let mut data = self.data(options["rp"]["id"].as_str().unwrap(), NEW_KEY);
        data.extend([0; 16]);
        data.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
        data.extend(&self.id);
        data.extend(self.public_key());
        // {"fmt": "none", "attStmt": {}, "authData": data}
        let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59".to_vec();
        object.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        object.extend(data);
        let client = self.client("webauthn.create", options);
        self.answer(&json!({ "attestationObject": text(&object), "clientDataJSON": text(&client), "transports": ["internal"] }))
    }

    /// Answers the options of a sign-in.
    pub fn get(&mut self, options: &Value) -> Value {
        let data = self.data(options["rpId"].as_str().unwrap(), 0);
        let client = self.client("webauthn.get", options);
        let signed = [data.as_slice(), &sha256(&client)].concat();
        let signature = self.key.sign(&randomness(), &signed).unwrap();
        self.answer(&json!({
            "authenticatorData": text(&data), "clientDataJSON": text(&client), "signature": text(signature.as_ref()),
            "userHandle": text(&self.handle),
        }))
    }

    fn answer(&self, response: &Value) -> Value {
        json!({ "id": text(&self.id), "rawId": text(&self.id), "type": "public-key", "response": response, "clientExtensionResults": {} })
    }

    fn data(&self, party: &str, more: u8) -> Vec<u8> {
        let verified = if self.is_verified { VERIFIED } else { 0 };
        let backed_up = if self.is_backed_up { BACKUP_ELIGIBLE | BACKED_UP } else { 0 };
        let mut data = sha256(party.as_bytes()).to_vec();
        data.push(PRESENT | verified | backed_up | more);
        data.extend(self.count.to_be_bytes());
        data
    }

    fn client(&self, kind: &str, options: &Value) -> Vec<u8> {
        let said = json!({ "type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": false });
        said.to_string().into_bytes()
    }

    /// A COSE key: {1: 2, 3: -7, -1: 1, -2: x, -3: y}.
    fn public_key(&self) -> Vec<u8> {
        let point = self.key.public_key().as_ref();
        [b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20", &point[1..33], b"\x22\x58\x20", &point[33..65]].concat()
    }
}

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
