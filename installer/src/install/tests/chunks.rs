//! Cutting into chunks, and reading them back.

use std::os::unix::fs::FileExt;

use proptest::prelude::*;

use super::*;

/// Gives its bytes in pieces of the given sizes, over and over.
struct Drip<'a> {
    bytes: &'a [u8],
    sizes: std::iter::Cycle<std::slice::Iter<'a, usize>>,
}

impl io::Read for Drip<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = (*self.sizes.next().unwrap()).min(buffer.len()).min(self.bytes.len());
        buffer[..size].copy_from_slice(&self.bytes[..size]);
        self.bytes = &self.bytes[size..];
        Ok(size)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn however_the_image_is_cut_into_pieces_the_disk_is_the_same_and_its_first_mib_blank(
        runs in proptest::collection::vec((any::<u8>(), 1usize..2 * MIB), 1..8),
        sizes in proptest::collection::vec(1usize..3 * MIB, 1..6),
    ) {
        // Every other run is zeros, so that runs of zeros start and end anywhere.
        let image: Vec<u8> = runs.iter().enumerate()
            .flat_map(|(n, (byte, length))| vec![if n % 2 == 0 { *byte } else { 0 }; *length])
            .collect();
        let lab = Lab::new(16 << 20);
        let target = Target::open(&lab.disk, 512).unwrap();
        let mut source = Drip { bytes: &image, sizes: sizes.iter().cycle() };
        let written = write::copy(&mut source, &target, &lab.progress).unwrap();
        let disk = lab.disk();
        prop_assert!(disk[..MIB].iter().all(|byte| *byte == 0xee), "the first MiB was touched");
        let end = image.len().max(MIB);
        prop_assert!(image.len() <= MIB || disk[MIB..end] == image[MIB..end]);
        prop_assert_eq!(written.bytes, image.len() as u64);
        prop_assert!(verify::read_back(&target, &written, &lab.progress).is_ok());
        let whole = end.next_multiple_of(512);
        prop_assert!(disk[whole..].iter().all(|byte| *byte == 0xee), "more was written");
    }
}

#[test]
fn a_disk_that_forgets_a_sector_is_found_out_by_reading_back() {
    let (lab, image) = (Lab::new(DISK), image());
    let target = Target::open(&lab.disk, 512).unwrap();
    let written = write::copy(&mut &image[..], &target, &lab.progress).unwrap();
    verify::read_back(&target, &written, &lab.progress).unwrap();
    for (at, byte) in [(2 * MIB + 5, 0xff), (6 * MIB, 1)] {
        let file = fs::OpenOptions::new().write(true).open(&lab.disk).unwrap();
        file.write_all_at(&[byte], at as u64).unwrap();
        let found = verify::read_back(&target, &written, &lab.progress).unwrap_err();
        let mib = at / MIB * MIB;
        assert!(matches!(found, verify::VerifyError::Differs(offset) if offset == mib as u64));
        file.write_all_at(&image[at..=at], at as u64).unwrap();
    }
}
