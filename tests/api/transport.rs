//! How requests travel: compression, headers, TLS, proxies, redirects, deadlines, sockets.

use crate::c::*;
use crate::client::Client;

mod compression;
mod deadlines;
mod headers;
mod own;
mod proxies;
mod redirects;
mod reports;
mod sockets;
mod tls;

/// An event and a flag request go the same way: sends one of each.
pub fn both_arrive(client: &Client) {
    assert_eq!(client.capture("u", "e"), PH_OK);
    client.deliver();
    assert_eq!(client.evaluate("u").unwrap().keys(), ["new-checkout"]);
}
