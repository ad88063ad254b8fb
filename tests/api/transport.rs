//! How requests travel: compression, headers, TLS, proxies, redirects, a transport of the host's.

mod compression;
