//! Which keys a map holds, of those that the sender must know about.

/// A set of such keys.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Marks(pub u32);

impl Marks {
    pub const LIB: u32 = 1;
    pub const LIB_VERSION: u32 = 1 << 1;
    pub const OS: u32 = 1 << 2;
    pub const OS_VERSION: u32 = 1 << 3;
    pub const IS_SERVER: u32 = 1 << 4;
    pub const GEOIP_DISABLE: u32 = 1 << 5;
    pub const ENVIRONMENT: u32 = 1 << 6;
    /// `$exception_list`: the sender adds names to its frames.
    pub const EXCEPTION: u32 = 1 << 7;
    /// Every stamp: the properties are complete as they are.
    pub const STAMPS: u32 = (1 << 7) - 1;
    pub const COOKIELESS_MODE: u32 = 1 << 8;
    pub const IGNORE_SENT_AT: u32 = 1 << 9;
    pub const PRODUCT_TOUR_ID: u32 = 1 << 10;
    pub const PROCESS_PERSON_PROFILE: u32 = 1 << 11;
    pub const SESSION_ID: u32 = 1 << 12;
    pub const WINDOW_ID: u32 = 1 << 13;
    /// Not of a key: the uuid is the caller's, who may use it twice.
    pub const OWN_UUID: u32 = 1 << 31;

    /// The mark of a key, 0 for all but a few.
    #[inline(always)]
    pub fn of(key: &[u8]) -> u32 {
        match key.first() {
            Some(b'$' | b'e') => Self::of_few(key),
            _ => 0,
        }
    }

    #[inline(never)]
    fn of_few(key: &[u8]) -> u32 {
        match key.first() {
            Some(b'$') => match key {
                b"$lib" => Self::LIB,
                b"$lib_version" => Self::LIB_VERSION,
                b"$os" => Self::OS,
                b"$os_version" => Self::OS_VERSION,
                b"$is_server" => Self::IS_SERVER,
                b"$geoip_disable" => Self::GEOIP_DISABLE,
                b"$exception_list" => Self::EXCEPTION,
                b"$cookieless_mode" => Self::COOKIELESS_MODE,
                b"$ignore_sent_at" => Self::IGNORE_SENT_AT,
                b"$product_tour_id" => Self::PRODUCT_TOUR_ID,
                b"$process_person_profile" => Self::PROCESS_PERSON_PROFILE,
                b"$session_id" => Self::SESSION_ID,
                b"$window_id" => Self::WINDOW_ID,
                _ => 0,
            },
            Some(b'e') if key == b"environment" => Self::ENVIRONMENT,
            _ => 0,
        }
    }
}
