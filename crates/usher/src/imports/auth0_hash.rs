//! The `custom_password_hash` of Auth0 in the forms that usher verifies. Auth0 takes some that usher does not: digests that are no way
//! to store a password, and passwords that are salted or encoded before they are hashed. A hash of those would open nothing.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use data_encoding::HEXLOWER_PERMISSIVE;
use serde_json::Value;

/// Why a hash can't be taken over.
type Why = &'static str;

/// What stands for the parameters that the text of a PBKDF2 hash leaves out.
const ITERATIONS: &str = "i=100000";
const OUTPUT_BYTES: &str = "l=64";

/// The hash as a text of ours, or why there can be none.
pub fn read(custom: &Value) -> Result<String, Why> {
    if !matches!(custom["password"]["encoding"].as_str(), None | Some("utf8" | "ascii")) {
        return Err("`password.encoding` is neither utf8 nor ascii");
    }
    match custom["algorithm"].as_str() {
        Some("argon2") => whole(custom, "$argon2"),
        Some("bcrypt") => whole(custom, "$2"),
        Some("pbkdf2") => whole(custom, "$pbkdf2-").map(|hash| with_parameters(&hash)),
        Some("scrypt") => scrypt(custom),
        Some(_) => Err("`algorithm` is none of argon2, bcrypt, pbkdf2 and scrypt"),
        None => Err("`custom_password_hash` names no `algorithm`"),
    }
}

fn said(value: &Value) -> Option<&str> {
    value.as_str().map(str::trim).filter(|text| !text.is_empty())
}

/// A text that has its salt and parameters in it.
fn whole(custom: &Value, begins: &str) -> Result<String, Why> {
    if !matches!(custom["hash"]["encoding"].as_str(), None | Some("utf8")) {
        return Err("`hash.encoding` must be utf8 with this algorithm");
    }
    if said(&custom["salt"]["value"]).is_some() || said(&custom["hash"]["salt"]["value"]).is_some() {
        return Err("a `salt` beside the one within the hash is not taken");
    }
    let hash = said(&custom["hash"]["value"]).filter(|hash| hash.starts_with(begins));
    hash.map(ToOwned::to_owned).ok_or("`hash.value` is no hash of its `algorithm`")
}

fn with_parameters(hash: &str) -> String {
    match *hash.split('$').collect::<Vec<_>>() {
        ["", name, salt, output] => format!("${name}${ITERATIONS},{OUTPUT_BYTES}${salt}${output}"),
        ["", name, length, salt, output] if length.starts_with("l=") && !length.contains("i=") => {
            format!("${name}${ITERATIONS},{length}${salt}${output}")
        }
        _ => hash.to_owned(),
    }
}

fn scrypt(custom: &Value) -> Result<String, Why> {
    let output = decoded(&custom["hash"]["value"], custom["hash"]["encoding"].as_str());
    let output = output.ok_or("`hash.value` is not in its `hash.encoding`, hex or base64")?;
    let salt = decoded(&custom["salt"]["value"], Some(custom["salt"]["encoding"].as_str().unwrap_or("utf8")));
    let salt = salt.ok_or("`salt.value` is missing, or not in its `salt.encoding`")?;
    if custom["keylen"].as_u64() != u64::try_from(output.len()).ok() {
        return Err("`keylen` is not the length of `hash.value`");
    }
    let number = |name: &str, otherwise: u64| match &custom[name] {
        Value::Null => Some(otherwise),
        given => given.as_u64(),
    };
    let cost = number("cost", 16_384).filter(|cost| cost.is_power_of_two()).ok_or("`cost` is no power of two")?;
    let sizes = number("blockSize", 8).zip(number("parallelization", 1));
    let (block_size, lanes) = sizes.ok_or("`blockSize` or `parallelization` is no number")?;
    let (salt, output) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(output));
    Ok(format!("$scrypt$ln={},r={block_size},p={lanes}${salt}${output}", cost.trailing_zeros()))
}

/// Hexadecimal digits may be large or small, and base64 that of URLs, with or without padding.
fn decoded(value: &Value, encoding: Option<&str>) -> Option<Vec<u8>> {
    let text = value.as_str().filter(|text| !text.is_empty())?;
    match encoding? {
        "hex" => HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok(),
        "base64" => STANDARD_NO_PAD.decode(text.trim_end_matches('=').replace('-', "+").replace('_', "/")).ok(),
        "utf8" => Some(text.as_bytes().to_vec()),
        _ => None,
    }
}
