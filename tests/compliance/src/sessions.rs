//! The clients, one for each test that runs.

use crate::mode::Mode;
use crate::sdk::Sdk;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub struct Sessions {
    pub mode: Mode,
    /// By the harness's `test_id`; the empty one when it runs its tests in turn.
    clients: Mutex<HashMap<String, Arc<Sdk>>>,
}

impl Sessions {
    pub fn new(mode: Mode) -> Sessions {
        Sessions { mode, clients: Mutex::default() }
    }

    pub fn get(&self, test: &str) -> Option<Arc<Sdk>> {
        self.lock().get(test).cloned()
    }

    /// Puts a client in place of the test's former one.
    pub fn put(&self, test: &str, client: Sdk) {
        let former = self.lock().insert(test.to_owned(), Arc::new(client));
        if let Some(former) = former {
            former.discard();
        }
    }

    pub fn remove(&self, test: &str) {
        let former = self.lock().remove(test);
        if let Some(former) = former {
            former.discard();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Sdk>>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
