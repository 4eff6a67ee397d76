//! Call stacks: each process has a few stacks for each kind of operation, and repeats them.

use super::options::{Options, Repetition};
use crate::random::{Random, mix};
use pml_parser::EventClass;
use std::collections::HashMap;

/// The addresses of code: base and size of an image.
pub(crate) type Code = (u64, u32);

/// The images whose code a process can be in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'a> {
    /// Position of the process among all processes.
    pub(crate) process: usize,
    /// The kernel, the filter manager, the file system, the antivirus filter, other drivers.
    pub(crate) kernel: &'a [Code],
    /// The program, `ntdll`, then its other modules. Empty for System.
    pub(crate) user: &'a [Code],
    /// Whether the process is still starting, so that only the loader can run.
    pub(crate) is_loading: bool,
}

/// The stacks that one process has for one kind of operation.
#[derive(Debug, Default)]
struct Pool {
    draws: u64,
    last: usize,
    stacks: Vec<Box<[u64]>>,
}

/// All stacks made so far. Their number grows ever more slowly as the log grows.
#[derive(Debug)]
pub(crate) struct Stacks {
    seed: u64,
    mean_frames: u64,
    repetition: Repetition,
    is_64_bit: bool,
    pools: HashMap<(usize, u32), Pool>,
}

/// Most stacks of one pool. The limit keeps memory small in logs of any length.
const POOL_LIMIT: usize = 160;
/// New stacks where they repeat as in real logs, in thousandths.
const NEW_STACKS: u64 = 280;
const FILE_SYSTEM: u32 = EventClass::FileSystem.code() as u32;
const REGISTRY: u32 = EventClass::Registry.code() as u32;

impl Stacks {
    pub(crate) fn new(options: &Options, is_64_bit: bool) -> Self {
        let &Options { seed, frames, repetition, .. } = options;
        Self { seed, mean_frames: u64::from(frames), repetition, is_64_bit, pools: HashMap::new() }
    }

    /// Draws a stack for an operation of this kind (`Call::kind`).
    pub(crate) fn draw(&mut self, random: &mut Random, scope: Scope<'_>, kind: u32) -> &[u64] {
        let key = (scope.process, kind | u32::from(scope.is_loading) << 31);
        let Self { seed, mean_frames, repetition, is_64_bit, pools } = self;
        let pool = pools.entry(key).or_default();
        pool.draws += 1;
        let known = pool.stacks.len();
        let is_new = match repetition {
            // The share of new stacks falls as the pool fills: a Chinese restaurant process.
            Repetition::Usual => {
                known < POOL_LIMIT && random.below(pool.draws * 10 + 8) < 8 + known as u64 * 4
            }
            Repetition::Real => random.chance(NEW_STACKS),
        };
        if is_new || known == 0 {
            let builder = Builder { seed: *seed, mean_frames: *mean_frames, is_64_bit: *is_64_bit };
            let stack = builder.build(random, scope, kind);
            pool.last = if known < POOL_LIMIT { known } else { random.below(known as u64) as usize };
            match pool.stacks.get_mut(pool.last) {
                Some(old) => *old = stack,
                None => pool.stacks.push(stack),
            }
        } else if !random.chance(350) {
            let skewed = random.below(known as u64);
            pool.last = random.below(skewed + 1) as usize;
        }
        &pool.stacks[pool.last]
    }
}

/// Builds one stack.
struct Builder {
    seed: u64,
    mean_frames: u64,
    is_64_bit: bool,
}

impl Builder {
    fn build(&self, random: &mut Random, scope: Scope<'_>, kind: u32) -> Box<[u64]> {
        let depth = self.mean_frames / 2 + random.below(self.mean_frames + 1);
        let mut frames = self.kernel_frames(random, scope, kind, depth as usize);
        if !scope.user.is_empty() {
            let left = (depth as usize).saturating_sub(frames.len()).max(2);
            let user = self.user_frames(random, scope, kind, left);
            frames.extend(user.into_iter().rev());
        }
        frames.into_boxed_slice()
    }

    /// Frames in the kernel, innermost first: the filter manager for files, then the kernel down to
    /// the system call.
    fn kernel_frames(&self, random: &mut Random, scope: Scope<'_>, kind: u32, depth: usize) -> Vec<u64> {
        let [kernel, filter_manager, file_system, antivirus, ..] = *scope.kernel else { return Vec::new() };
        let variant = random.below(5);
        let mut images: Vec<Code> = Vec::with_capacity(24);
        match kind >> 8 {
            FILE_SYSTEM => {
                images.extend([filter_manager; 3]);
                if variant == 3 {
                    images.extend([antivirus, antivirus, filter_manager]);
                }
                if scope.user.is_empty() {
                    images.extend([file_system; 4]);
                }
                images.extend([kernel; 7]);
            }
            REGISTRY => images.extend([kernel; 8]),
            _ => images.extend([kernel; 6]),
        }
        if scope.user.is_empty() {
            // A kernel thread has all of its frames in the kernel and its drivers.
            let more = depth.saturating_sub(images.len()).min(24);
            images.extend((0..more).map(|i| if i % 5 == 2 { *random.pick(scope.kernel) } else { kernel }));
        } else {
            images.truncate((depth / 3).max(5) + 2);
        }
        let place = |(i, image): (usize, Code)| {
            // More variants share the outer frames.
            let variant = if i < 5 { variant } else { variant & 1 };
            self.site(image, &[u64::from(kind), i as u64, variant])
        };
        images.into_iter().enumerate().map(place).collect()
    }

    /// Frames in user mode, outermost first: the start of the thread, then a walk down a tree of
    /// calls, then the system call. Walks share their common beginning, as real stacks do.
    fn user_frames(&self, random: &mut Random, scope: Scope<'_>, kind: u32, depth: usize) -> Vec<u64> {
        let nt = scope.user.get(1).copied().unwrap_or(scope.user[0]);
        let mut frames = vec![self.site(nt, &[1])];
        if scope.is_loading {
            let branch = random.below(3);
            frames.extend((0..depth.min(14) as u64).map(|i| self.site(nt, &[branch, i])));
            return frames;
        }
        if let Some(&kernel32) = scope.user.get(2) {
            frames.push(self.site(kernel32, &[2]));
        }
        let mut node = mix(&[self.seed, scope.process as u64, random.below(5)]);
        let mut image = scope.user[0];
        for level in 0..depth.saturating_sub(4) {
            let branch = if level % 4 == 3 { random.below(3) } else { 0 };
            node = mix(&[node, branch]);
            if node.is_multiple_of(5) {
                image = scope.user[((node >> 8) % scope.user.len() as u64) as usize];
            }
            frames.push(self.site(image, &[node]));
        }
        if random.chance(25) {
            let middle = frames.len() / 2;
            frames[middle] = self.unmapped(random);
        }
        if let Some(&base) = scope.user.get(3) {
            frames.push(self.site(base, &[u64::from(kind), random.below(2)]));
        }
        frames.push(self.site(nt, &[u64::from(kind)]));
        frames
    }

    /// A return address inside an image.
    fn site(&self, (base, size): Code, place: &[u64]) -> u64 {
        let hash = mix(&[self.seed, base, mix(place)]);
        base + 0x1000 + hash % (u64::from(size) - 0x1000)
    }

    /// An address in no image: generated code, or an unloaded library.
    fn unmapped(&self, random: &mut Random) -> u64 {
        let offset = random.below(0x400_0000);
        if self.is_64_bit { 0x0212_7000_0000 + offset } else { 0x0200_0000 + offset }
    }
}
