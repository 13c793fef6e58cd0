//! The examples printed in the standards.

use crate::jose::{Algorithm, Jwk, SigningKey, TokenError, VerifyingKey, compact};

/// Takes over a key of an example, which has no name, and checks a token of an example, whose
/// header has neither name nor type. So only the signature can be checked here.
fn check(jwk: &str, token: &str) -> Result<(), TokenError> {
    let mut key = Jwk::parse(jwk.as_bytes()).expect("the key of the example is strict JSON");
    key.kid = Some("example".to_owned());
    let key = VerifyingKey::from_jwk(&key).expect("the key of the example is good");
    let (input, signature) = token.rsplit_once('.').expect("a token has segments");
    key.check(input.as_bytes(), &compact::decode(signature).expect("it is base64url"))
}

const RFC_8037_SEED: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
const RFC_8037_JWK: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
const RFC_8037_INPUT: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
const RFC_8037_SIGNATURE: &str = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

/// The PKCS #8 form (RFC 8410, section 7) of the seed of RFC 8037.
fn rfc_8037_key() -> SigningKey {
    const PREFIX: [u8; 16] = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
    let seed = compact::decode(RFC_8037_SEED).expect("it is base64url");
    SigningKey::from_pkcs8(Algorithm::EdDsa, "example", &[&PREFIX[..], &seed].concat()).expect("the key of the example is good")
}

#[test]
fn rfc_8037_a4_is_what_we_sign() {
    let mut token = RFC_8037_INPUT.to_owned();
    rfc_8037_key().complete(&mut token).expect("signing works");
    assert_eq!(token, format!("{RFC_8037_INPUT}.{RFC_8037_SIGNATURE}"));
}

#[test]
fn rfc_8037_a2_is_the_public_half_we_publish() {
    let example = Jwk::parse(RFC_8037_JWK.as_bytes()).expect("it is strict JSON");
    assert_eq!(rfc_8037_key().public_jwk().material, example.material);
}

#[test]
fn rfc_8037_a5_verifies() {
    assert_eq!(check(RFC_8037_JWK, &format!("{RFC_8037_INPUT}.{RFC_8037_SIGNATURE}")), Ok(()));
}

#[test]
fn rfc_8037_a3_is_the_thumbprint() {
    let key = Jwk::parse(RFC_8037_JWK.as_bytes()).expect("it is strict JSON");
    assert_eq!(key.thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

const RFC_7515_PAYLOAD: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt\
    cGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

const RFC_7515_RSA_JWK: &str = concat!(
    r#"{"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddx"#,
    "HmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9w",
    "Gzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZl",
    r#"xvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54"#,
    r#"h4FRWyuXpoQ"}"#,
);

const RFC_7515_RSA_SIGNATURE: &str = concat!(
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5",
    "jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb",
    "1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QO",
    "YEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
);

#[test]
fn rfc_7515_a2_verifies() {
    let token = format!("eyJhbGciOiJSUzI1NiJ9.{RFC_7515_PAYLOAD}.{RFC_7515_RSA_SIGNATURE}");
    assert_eq!(check(RFC_7515_RSA_JWK, &token), Ok(()));
    let changed = token.replacen(".eyJpc3Mi", ".eyJpc3Mj", 1);
    assert_eq!(check(RFC_7515_RSA_JWK, &changed), Err(TokenError::Signature));
}

#[test]
fn rfc_7515_a3_verifies() {
    let jwk = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
    let signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    let token = format!("eyJhbGciOiJFUzI1NiJ9.{RFC_7515_PAYLOAD}.{signature}");
    assert_eq!(check(jwk, &token), Ok(()));
    let changed = token.replacen(".eyJpc3Mi", ".eyJpc3Mj", 1);
    assert_eq!(check(jwk, &changed), Err(TokenError::Signature));
}

#[test]
fn rfc_7638_3_1_is_the_thumbprint() {
    let jwk = concat!(
        r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1"#,
        "RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6",
        "Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbI",
        "SD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8aw",
        r#"apJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#,
    );
    let key = Jwk::parse(jwk.as_bytes()).expect("it is strict JSON");
    assert_eq!(key.thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}
