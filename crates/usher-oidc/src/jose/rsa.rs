//! The rules an RSA public key must keep before usher trusts a signature made with it.

use super::error::KeyError;

const MIN_BITS: usize = 2048;
const MAX_BITS: usize = 8192;
const MIN_EXPONENT: u32 = 65_537;

/// Checks the size, the exponent and the origin of a public key.
pub(super) fn check(modulus: &[u8], exponent: &[u8]) -> Result<(), KeyError> {
    // RFC 7518, section 6.3.1.1 forbids leading zero octets, so each number has one spelling.
    if modulus.first().is_none_or(|&byte| byte == 0) {
        return Err(KeyError::Member("n"));
    }
    if exponent.first().is_none_or(|&byte| byte == 0) {
        return Err(KeyError::Member("e"));
    }
    if !(MIN_BITS..=MAX_BITS).contains(&bits(modulus)) {
        return Err(KeyError::RsaSize);
    }
    check_exponent(exponent)?;
    if has_roca_fingerprint(modulus) {
        return Err(KeyError::RsaWeakGenerator);
    }
    Ok(())
}

/// FIPS 186-5, appendix A.1.1 asks for an odd exponent above 2^16. The upper bound keeps the cost
/// of a verification small, whoever registered the key.
fn check_exponent(exponent: &[u8]) -> Result<(), KeyError> {
    if exponent.len() > 4 {
        return Err(KeyError::RsaExponent);
    }
    let value = exponent.iter().fold(0_u32, |value, &byte| (value << 8) | u32::from(byte));
    if value < MIN_EXPONENT || value.is_multiple_of(2) {
        return Err(KeyError::RsaExponent);
    }
    Ok(())
}

fn bits(modulus: &[u8]) -> usize {
    let leading = modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
    modulus.len() * 8 - leading
}

/// Recognises keys of the generator broken by ROCA (CVE-2017-15361).
///
/// Its primes are powers of 65,537 modulo a product of small primes, and so is their product. A
/// sound modulus passes for one of them by accident once in about a hundred million.
fn has_roca_fingerprint(modulus: &[u8]) -> bool {
    const PRIMES: [u32; 17] = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157];
    PRIMES.iter().all(|&prime| is_power_of_65537(residue(modulus, prime), prime))
}

fn residue(modulus: &[u8], prime: u32) -> u32 {
    modulus.iter().fold(0, |rest, &byte| ((rest << 8) | u32::from(byte)) % prime)
}

fn is_power_of_65537(residue: u32, prime: u32) -> bool {
    let generator = 65_537 % prime;
    let mut power = 1;
    loop {
        if power == residue {
            return true;
        }
        power = power * generator % prime;
        if power == 1 {
            return false;
        }
    }
}
