//! Recovery codes: ten, of 120 random bits each, so that no one can go through them and a plain hash keeps them. They are shown
//! once.

use super::store;
use crate::db::Tx;
use crate::error::AppResult;
use crate::id::UserId;
use crate::secret::{SecretText, random_bytes, sha256};

/// How many there are in a set.
pub const COUNT: usize = 10;
const CHARACTERS: usize = 24;
const GROUP: usize = 6;
/// Five bits each, without letters that look like digits (Crockford's base 32).
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A new set, in the place of the one before.
pub async fn renew(tx: &mut Tx, user_id: UserId) -> AppResult<Vec<String>> {
    let codes: Vec<SecretText> = (0..COUNT).map(|_| new()).collect();
    let hashes: Vec<Vec<u8>> =
        codes.iter().filter_map(|code| normal(code.reveal())).map(|code| hash(user_id, &code).to_vec()).collect();
    store::delete_codes(tx, user_id).await?;
    store::insert_codes(tx, user_id, &hashes).await?;
    Ok(codes.iter().map(|code| code.reveal().to_owned()).collect())
}

/// A code as it is shown: four groups of six.
fn new() -> SecretText {
    let random = random_bytes::<15>();
    let mut bytes = [0; 16];
    bytes[1..].copy_from_slice(&random);
    let bits = u128::from_be_bytes(bytes);
    let mut text = String::with_capacity(CHARACTERS + 3);
    for place in 0..CHARACTERS {
        if place > 0 && place % GROUP == 0 {
            text.push('-');
        }
        let at = (bits >> (5 * (CHARACTERS - 1 - place))) & 0x1f;
        text.push(char::from(ALPHABET[usize::try_from(at).unwrap_or_default()]));
    }
    SecretText::new(text)
}

/// The one spelling of what may be a code; people write them in capitals, with spaces, and with letters for digits.
pub fn normal(text: &str) -> Option<SecretText> {
    let mut normal = String::with_capacity(CHARACTERS);
    for character in text.chars().filter(|character| !character.is_whitespace() && *character != '-') {
        normal.push(match character.to_ascii_lowercase() {
            'o' => '0',
            'i' | 'l' => '1',
            other if u8::try_from(other).is_ok_and(|byte| ALPHABET.contains(&byte)) => other,
            _ => return None,
        });
    }
    (normal.len() == CHARACTERS).then(|| SecretText::new(normal))
}

/// What is stored of a code in its normal form.
pub fn hash(user_id: UserId, normal: &SecretText) -> [u8; 32] {
    sha256(&[b"recovery code\0", user_id.uuid().as_bytes().as_slice(), normal.reveal().as_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r063_a_code_has_120_bits_and_one_spelling() {
        let codes: std::collections::BTreeSet<String> = (0..1000).map(|_| new().reveal().to_owned()).collect();
        assert_eq!(codes.len(), 1000);
        for code in codes {
            assert_eq!(code.split('-').map(str::len).collect::<Vec<_>>(), [6; 4], "{code}");
            let plain = normal(&code).unwrap();
            assert_eq!(plain.reveal(), code.replace('-', ""));
            for spelling in
                [code.to_uppercase(), format!(" {}\t", code.replace('-', " ")), code.replace('0', "O").replace('1', "l")]
            {
                assert_eq!(normal(&spelling).unwrap().reveal(), plain.reveal());
            }
        }
        for none in ["", "123456", "0123456789abcdefghjkmnp", "0123456789abcdefghjkmnpqr", "u123456789abcdefghjkmnpq", "\u{17f}"]
        {
            assert!(normal(none).is_none(), "{none}");
        }
    }

    #[test]
    fn r063_a_code_hashes_for_its_own_user_only() {
        let (ann, bob) = (UserId::from_uuid(uuid::Uuid::from_u128(1)), UserId::from_uuid(uuid::Uuid::from_u128(2)));
        let code = normal(new().reveal()).unwrap();
        assert_eq!(hash(ann, &code), hash(ann, &code));
        assert_ne!(hash(ann, &code), hash(bob, &code));
    }
}
