//! The DuckDB extension `pml`: logs of Process Monitor, and what triage says of them, as tables.
//!
//! `host.rs` is the interface of DuckDB; each other file has functions of one kind.

mod captures;
mod cases;
mod events;
mod host;
mod records;
mod small;
mod verdicts;

use host::Function;

/// All table functions.
fn functions() -> Vec<Box<dyn Function>> {
    let small = small::all().into_iter().map(|function| Box::new(function) as Box<dyn Function>);
    let verdicts = verdicts::all().into_iter().map(|function| Box::new(function) as Box<dyn Function>);
    let one: [Box<dyn Function>; 2] = [Box::new(events::Events::new()), Box::new(records::Records)];
    let functions = one.into_iter().chain(small).chain(verdicts);
    #[cfg(debug_assertions)]
    let functions = functions.chain([Box::new(panics::Panics) as Box<dyn Function>]);
    functions.collect()
}

/// A function that panics, for the tests.
#[cfg(debug_assertions)]
mod panics {
    use crate::host::{Arguments, Bound, Function, Parameter, Query, Scan, Started};
    use arrow::array::RecordBatch;
    use arrow::datatypes::{DataType, Field, Schema};
    use std::sync::Arc;

    /// Panics at the step that its first argument names.
    pub(crate) struct Panics;

    impl Function for Panics {
        fn name(&self) -> &str {
            "pml_panic"
        }

        fn parameters(&self) -> &[Parameter] {
            &[]
        }

        fn bind(&self, arguments: &Arguments) -> Result<Bound, String> {
            let step = arguments.files.concat();
            assert_ne!(step, "bind", "a test");
            let schema = Arc::new(Schema::new(vec![Field::new("x", DataType::Boolean, true)]));
            Ok(Bound { schema, rows: None, query: Box::new(Step(step)) })
        }
    }

    struct Step(String);

    impl Query for Step {
        fn start(&self, _: &[usize]) -> Result<Started, String> {
            assert_ne!(self.0, "start", "a test");
            Ok(Started { scan: Box::new(Self(self.0.clone())), threads: 1 })
        }
    }

    impl Scan for Step {
        fn next(&self) -> Result<Option<Vec<RecordBatch>>, String> {
            assert_ne!(self.0, "next", "a test");
            Ok(None)
        }
    }

    impl Drop for Step {
        fn drop(&mut self) {
            assert!(self.0 != "drop" || std::thread::panicking(), "a test");
        }
    }
}
