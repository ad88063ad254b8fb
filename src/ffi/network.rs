//! `ph_config_*`: how requests travel.

use super::config::change;
use super::types::{CStrArg, optional_text, text};
use super::{ph_config, ph_status};

/// Sends requests by a proxy: `http://[user[:password]@]host[:port]`, or `https://`
/// if the way to the proxy itself is TLS. User and password are percent-encoded,
/// and sent by HTTP's basic authentication. The proxy makes a tunnel (`CONNECT`) to
/// the host for http as well as https, and resolves its name.
///
/// `NULL`, the default, takes the proxy that the environment names when `ph_init` is
/// called: `https_proxy` or `HTTPS_PROXY` for an https host, `http_proxy` or
/// `HTTP_PROXY` for another, `all_proxy` or `ALL_PROXY` for both; unless `no_proxy`
/// or `NO_PROXY` names the host, a domain above it, or its network (`10.0.0.0/8`). An
/// empty text is no proxy, whatever the environment says. `PH_ERROR_HOST`;
/// `PH_ERROR_UNSUPPORTED` for `https://` in a build without the feature `tls`.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_proxy(
    config: Option<&mut ph_config>,
    url: CStrArg<'_>,
) -> ph_status {
    change(config, |config| config.set_proxy(optional_text(url)?))
}

/// Trusts the certificates of that file (PEM), and no others, to sign a server's.
/// The file is read by `ph_init`, which answers `PH_ERROR_FILE` if it cannot be read
/// or holds no certificate or a broken one; the log says why. `NULL`, the default,
/// trusts what the operating system trusts, or, where that is nothing, the roots that
/// the library brings.
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_set_ca_file(
    config: Option<&mut ph_config>,
    path: CStrArg<'_>,
) -> ph_status {
    change(config, |config| {
        config.ca_file = optional_text(path)?.map(str::to_owned);
        Ok(())
    })
}

/// Adds a header to every request, in place of one of that name that was added
/// before. Where the library sends a header of the same name itself, its own wins.
///
/// The name is one of HTTP (RFC 9110, a token) in any case, the value printable ASCII,
/// both together at most 8 KiB, and there are at most 64: else `PH_ERROR_RANGE`, as
/// for the names that HTTP itself needs (`Host`, `Connection`, `Transfer-Encoding`, …),
/// `Content-*` and `User-Agent` (`ph_config_set_library` sets that one).
#[unsafe(no_mangle)]
pub extern "C" fn ph_config_add_header(
    config: Option<&mut ph_config>,
    name: CStrArg<'_>,
    value: CStrArg<'_>,
) -> ph_status {
    change(config, |config| config.headers.add(text(name)?, text(value)?))
}
