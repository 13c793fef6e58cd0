//! Building a filter of any size in little memory: the hashes are dealt out to one temporary file for each shard, and then the
//! shards are built one by one. The file appears under its name when it is complete.

use std::fs::{File, Permissions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde::Serialize;
use xorf::BinaryFuse16;

use super::format::{HEADER_BYTES, Header, SHARDS, Shard};
use super::input::{Form, Lines};
use super::place;
use crate::secret::sha256;

/// Lines between two reports.
const REPORT_EVERY: u64 = 1 << 18;

/// What has been built.
#[derive(Debug, Serialize)]
pub struct Built {
    pub form: Form,
    pub lines: u64,
    /// Lines that hold no password: empty, longer than 1,024 bytes, not UTF-8, or no hash among hashes.
    pub skipped: u64,
    /// Different passwords.
    pub entries: u64,
    pub bytes: u64,
}

/// How far it is.
#[derive(Clone, Copy, Debug)]
pub enum Progress {
    Lines(u64),
    Shards { built: usize, of: usize },
}

/// Why no filter was built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("reading or writing failed")]
    Io(#[from] io::Error),
    #[error("the input holds no password")]
    Empty,
    #[error("the input holds NTLM hashes; take the list with SHA-1 hashes")]
    Ntlm,
    #[error("a part of the filter can't be built: {0}")]
    Shard(&'static str),
}

/// Builds a filter beside `output` and then gives it that name, in place of a file that may have it. Temporary files have no names,
/// so that nothing of them stays behind, whatever happens.
pub fn build(input: impl BufRead, output: &Path, mut progress: impl FnMut(Progress)) -> Result<Built, BuildError> {
    let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut lines = Lines::new(input)?;
    let partitions = deal_out(&mut lines, folder, &mut progress)?;
    let mut named = tempfile::Builder::new();
    let mut file = named.prefix(".password-filter-").permissions(Permissions::from_mode(0o644)).tempfile_in(folder)?;
    let header = write_shards(partitions, file.as_file(), &mut progress)?;
    file.as_file_mut().seek(SeekFrom::Start(0))?;
    file.as_file_mut().write_all(&header.encode())?;
    file.as_file().sync_all()?;
    if header.entries() == 0 {
        return Err(BuildError::Empty);
    }
    file.persist(output).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()?;
    let (lines, skipped, form) = (lines.read, lines.skipped, lines.form);
    Ok(Built { form, lines, skipped, entries: header.entries(), bytes: header.file_bytes() })
}

/// Writes the key of every line into the file of its shard.
fn deal_out<R: BufRead>(
    lines: &mut Lines<R>,
    folder: &Path,
    progress: &mut impl FnMut(Progress),
) -> Result<Vec<File>, BuildError> {
    let partition = |_| tempfile::tempfile_in(folder).map(|file| BufWriter::with_capacity(64 * 1024, file));
    let mut partitions = (0..SHARDS).map(partition).collect::<io::Result<Vec<_>>>()?;
    while let Some(digest) = lines.next()? {
        let (shard, key) = place(&digest);
        partitions[shard].write_all(&key.to_le_bytes())?;
        if lines.read.is_multiple_of(REPORT_EVERY) {
            progress(Progress::Lines(lines.read));
        }
    }
    progress(Progress::Lines(lines.read));
    partitions.into_iter().map(|partition| partition.into_inner().map_err(|error| error.into_error().into())).collect()
}

fn write_shards(partitions: Vec<File>, file: &File, progress: &mut impl FnMut(Progress)) -> Result<Header, BuildError> {
    let mut writer = file;
    writer.write_all(&[0; HEADER_BYTES])?;
    let mut shards = Vec::with_capacity(SHARDS);
    for partition in partitions {
        let mut keys = read_keys(partition)?;
        keys.sort_unstable();
        keys.dedup();
        let filter = BinaryFuse16::try_from(&keys).map_err(BuildError::Shard)?;
        let fingerprints: Vec<u8> = filter.fingerprints.iter().flat_map(|fingerprint| fingerprint.to_le_bytes()).collect();
        writer.write_all(&fingerprints)?;
        shards.push(Shard {
            seed: filter.descriptor.seed,
            segment_length: filter.descriptor.segment_length,
            segments: filter.descriptor.segment_count_length / filter.descriptor.segment_length,
            entries: u32::try_from(keys.len()).map_err(|_| BuildError::Shard("it has too many entries"))?,
            checksum: sha256(&fingerprints),
            offset: 0,
        });
        progress(Progress::Shards { built: shards.len(), of: SHARDS });
    }
    Ok(Header::new(shards))
}

fn read_keys(mut partition: File) -> io::Result<Vec<u64>> {
    let bytes = partition.seek(SeekFrom::End(0))?;
    partition.rewind()?;
    let mut keys = Vec::with_capacity(usize::try_from(bytes / 8).unwrap_or_default());
    let mut reader = BufReader::with_capacity(64 * 1024, partition);
    let mut key = [0; 8];
    for _ in 0..bytes / 8 {
        reader.read_exact(&mut key)?;
        keys.push(u64::from_le_bytes(key));
    }
    Ok(keys)
}
