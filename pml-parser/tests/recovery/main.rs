//! What can be read of logs that were cut short, damaged, or never closed, compared with the whole logs.
#![forbid(unsafe_code)]

mod every_byte;
mod holes;
mod limits;
mod logs;
mod neighbours;
mod processes;
mod support;
mod sweeps;
mod tables;

use libtest_mimic::{Arguments, Failed, Trial};
use logs::{Layout, generated, laid_out};
use pml_samples::boot::Bits;
use pml_samples::corpus;
use std::process::ExitCode;

/// Functions with their names.
macro_rules! named {
    ($($module:ident::$test:ident),* $(,)?) => { [$((stringify!($test), $module::$test as _)),*] };
}

/// A test that makes its own logs.
type Test = fn() -> Result<(), Failed>;

/// A test that breaks a log.
type Sweep = fn(&[u8]) -> Result<(), Failed>;

/// Tests that make their own logs.
const TESTS: [(&str, Test); 20] = named![
    every_byte::a_changed_byte_costs_at_most_its_event,
    every_byte::a_log_can_be_cut_at_every_byte,
    every_byte::an_absurd_field_costs_one_event,
    limits::a_set_clock_is_no_damage,
    limits::anomalous_events_of_a_sound_log_are_kept,
    limits::lost_events_are_not_guessed,
    limits::other_files_are_refused,
    limits::rebuilt_processes_are_bounded,
    limits::rebuilt_tables_are_bounded,
    limits::recovery_can_be_cancelled,
    limits::wrong_sizes_do_not_keep_others_from_being_saved,
    logs::layouts_differ_as_they_should,
    processes::a_program_that_a_process_looks_at_is_not_its_name,
    processes::events_outweigh_damaged_process_records,
    processes::processes_are_rebuilt_from_events,
    processes::sparse_tables_are_no_damage,
    processes::unknown_processes_stay_apart,
    sweeps::extra_blobs_of_lost_events_are_not_counted_as_events,
    sweeps::wrong_extra_offsets_are_doubtful,
    tables::what_is_left_of_a_log_has_its_names,
];

/// Tests that break any log.
const SWEEPS: [(&str, Sweep); 15] = named![
    holes::no_hole_is_silent,
    sweeps::a_cut_log_keeps_every_whole_event,
    sweeps::a_damaged_offset_array_costs_no_event,
    sweeps::a_log_without_tables_keeps_all_events,
    sweeps::a_missing_beginning_costs_only_its_events,
    sweeps::a_missing_header_costs_no_event,
    sweeps::a_recovered_log_can_be_saved,
    sweeps::a_shuffled_offset_array_repeats_no_event,
    sweeps::a_sound_log_opens_as_it_is,
    sweeps::inserted_bytes_cost_one_event,
    sweeps::missing_table_offsets_cost_nothing,
    sweeps::overwritten_sectors_cost_only_their_events,
    sweeps::wrong_table_offsets_cost_nothing,
    sweeps::zeros_are_no_events,
    tables::a_table_without_its_head_costs_no_name,
];

/// Raw boot logs that genuine Process Monitor converted.
const CONVERTED: [&str; 5] = ["LogFileUTC64Process", "joins", "mini", "mini32", "names"];

/// Events of the second half of each log of the corpus that get the name of their process from the first half, in percent.
const NAMED: [u64; 5] = [82, 95, 95, 55, 99];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let has_corpus = corpus::directory().is_some();
    let mut trials: Vec<Trial> = TESTS.into_iter().map(|(name, test)| Trial::test(name, test)).collect();
    for layout in [Layout::Saved, Layout::Direct, Layout::DirectLate] {
        for bits in [Bits::B32, Bits::B64] {
            for (name, sweep) in SWEEPS {
                trials.push(Trial::test(format!("generated {bits:?} {layout:?}: {name}"), move || {
                    sweep(&laid_out(generated(5_000, bits)?, layout))
                }));
            }
        }
    }
    for log in corpus::LOGS {
        for layout in [Layout::Saved, Layout::DirectLate] {
            for (name, sweep) in SWEEPS {
                let run = move || sweep(&laid_out(corpus::read(&format!("{log}.pml"))?, layout));
                let trial = Trial::test(format!("{log} {layout:?}: {name}"), run);
                trials.push(trial.with_ignored_flag(!has_corpus));
            }
        }
    }
    for (log, share) in corpus::LOGS.into_iter().zip(NAMED) {
        let run = move || neighbours::second_halves_are_named(&corpus::read(&format!("{log}.pml"))?, share);
        trials
            .push(Trial::test(format!("{log}: second_halves_are_named"), run).with_ignored_flag(!has_corpus));
    }
    for log in CONVERTED {
        let run = move || {
            sweeps::a_converted_log_loses_no_event(&corpus::read(&format!("pmb/{log}.converted.pml"))?)
        };
        let trial = Trial::test(format!("{log}: a_converted_log_loses_no_event"), run);
        trials.push(trial.with_ignored_flag(!has_corpus));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}
