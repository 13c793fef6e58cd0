//! A client of the app: requests go through the whole router, as they do in production.

use std::net::SocketAddr;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use http::{HeaderMap, Method, Request, StatusCode, header};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use serde_json::Value;

/// Sends requests, with or without an access token.
#[derive(Clone)]
pub struct Client {
    router: Router,
    token: Option<String>,
    /// Where its requests come from; from nowhere when there is none, and then they are not limited in number.
    address: Option<SocketAddr>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
    /// `null` when the body is not JSON.
    pub json: Value,
}

impl Client {
    pub fn new(router: Router, token: Option<String>) -> Self {
        Self { router, token, address: None }
    }

    /// The same client at this address.
    #[must_use]
    pub fn at(mut self, address: &str) -> Self {
        self.address = Some(SocketAddr::new(address.parse().unwrap(), 4711));
        self
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, &[], Some(body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, &[], Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PATCH, path, &[], Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, &[], None).await
    }

    /// Any request with a JSON body.
    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<Value>) -> Answer {
        let mut all = headers.to_vec();
        let body = body.map(|body| body.to_string());
        if body.is_some() && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            all.push(("content-type", "application/json"));
        }
        self.send_raw(method, path, &all, body.unwrap_or_default().into_bytes()).await
    }

    /// Any request at all.
    pub async fn send_raw(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, "id.example.com");
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(address) = self.address {
            request = request.extension(ConnectInfo(address));
        }
        let response = TowerToHyperService::new(self.router.clone()).call(request.body(Body::from(body)).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        // Pictures are no text.
        let text = String::from_utf8_lossy(&to_bytes(body, usize::MAX).await.unwrap()).into_owned();
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Answer { status: parts.status, headers: parts.headers, text, json }
    }
}

impl Answer {
    /// The status, or the whole answer to see why not.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self
    }

    /// A problem with this status and code.
    #[track_caller]
    pub fn expect_problem(self, status: u16, code: &str) -> Self {
        let answer = self.expect(status);
        assert_eq!(answer.json["code"], code, "{}", answer.text);
        assert_eq!(answer.headers[header::CONTENT_TYPE], "application/problem+json");
        assert!(answer.json["request_id"].as_str().is_some_and(|id| !id.is_empty()));
        answer
    }

    /// The code of the fault at this pointer.
    pub fn fault_at(&self, pointer: &str) -> Option<&str> {
        let errors = self.json["errors"].as_array()?;
        errors.iter().find(|error| error["pointer"] == pointer)?["code"].as_str()
    }

    pub fn str(&self, member: &str) -> String {
        self.json[member].as_str().unwrap_or_else(|| panic!("{member} is not text in {}", self.text)).to_owned()
    }

    pub fn etag(&self) -> String {
        self.headers[header::ETAG].to_str().unwrap().to_owned()
    }

    /// Everything of an answer but the name of the request: two answers that tell nothing apart have the same.
    pub fn sameness(&self) -> (u16, Vec<(String, String)>, Value) {
        let others = self.headers.iter().filter(|(name, _)| !["x-request-id", "date"].contains(&name.as_str()));
        let headers = others.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
        let mut json = self.json.clone();
        if let Some(members) = json.as_object_mut() {
            members.remove("request_id");
        }
        (self.status.as_u16(), headers, json)
    }
}
