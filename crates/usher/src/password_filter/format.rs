//! The file of a filter: a header with a table of its shards, then the fingerprints of one shard after the other. All numbers are
//! little-endian.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `usherpwf` |
//! | 4 | version |
//! | 256 × 52 | for each shard: seed (8), length of a segment (4), count of segments (4), entries (4), SHA-256 of its fingerprints |
//! | 32 | SHA-256 of all that is before |

use super::FilterError;
use crate::secret::sha256;

pub const SHARDS: usize = 256;
pub const HEADER_BYTES: usize = MAGIC.len() + 4 + SHARDS * SHARD_BYTES + CHECKSUM_BYTES;

const MAGIC: [u8; 8] = *b"usherpwf";
const VERSION: u32 = 1;
const CHECKSUM_BYTES: usize = 32;
const SHARD_BYTES: usize = 8 + 4 + 4 + 4 + CHECKSUM_BYTES;
/// Of a filter of this kind, by its construction.
const SEGMENT_LENGTH_MAX: u32 = 1 << 18;

#[derive(Debug)]
pub struct Header {
    pub shards: Vec<Shard>,
}

/// A binary fuse filter: where its fingerprints are, and how a key finds its three.
#[derive(Debug)]
pub struct Shard {
    pub seed: u64,
    /// A power of two.
    pub segment_length: u32,
    /// Segments in which a key's first fingerprint may be; there are two more.
    pub segments: u32,
    pub entries: u32,
    pub checksum: [u8; CHECKSUM_BYTES],
    /// Where it begins in the file.
    pub offset: u64,
}

impl Header {
    /// The shards in their order; each one's offset follows from those before.
    pub fn new(mut shards: Vec<Shard>) -> Self {
        let mut offset = HEADER_BYTES as u64;
        for shard in &mut shards {
            shard.offset = offset;
            offset += shard.bytes() as u64;
        }
        Self { shards }
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        for shard in &self.shards {
            bytes.extend(shard.seed.to_le_bytes());
            for number in [shard.segment_length, shard.segments, shard.entries] {
                bytes.extend(number.to_le_bytes());
            }
            bytes.extend(shard.checksum);
        }
        bytes.extend(sha256(&bytes));
        bytes
    }

    /// Reads the beginning of a file.
    pub fn decode(bytes: &[u8]) -> Result<Self, FilterError> {
        let rest = bytes.strip_prefix(&MAGIC).ok_or(FilterError::NotAFilter)?;
        let (version, _) = rest.split_first_chunk().ok_or(FilterError::NotAFilter)?;
        match u32::from_le_bytes(*version) {
            VERSION => {}
            other => return Err(FilterError::Version(other)),
        }
        let (content, checksum) = bytes.split_last_chunk::<CHECKSUM_BYTES>().ok_or(FilterError::NotAFilter)?;
        if bytes.len() != HEADER_BYTES {
            return Err(FilterError::Damaged("it ends within its header"));
        }
        if sha256(content) != *checksum {
            return Err(FilterError::Damaged("the checksum of its header does not match"));
        }
        let (table, _) = content[MAGIC.len() + 4..].as_chunks::<SHARD_BYTES>();
        let shards = table.iter().map(Shard::decode).collect::<Option<Vec<_>>>();
        shards.map(Self::new).ok_or(FilterError::Damaged("its header has impossible numbers"))
    }

    pub fn entries(&self) -> u64 {
        self.shards.iter().map(|shard| u64::from(shard.entries)).sum()
    }

    pub fn file_bytes(&self) -> u64 {
        self.shards.last().map_or(0, |last| last.offset + last.bytes() as u64)
    }
}

impl Shard {
    fn decode(bytes: &[u8; SHARD_BYTES]) -> Option<Self> {
        let number = |at: usize| u32::from_le_bytes(*bytes[at..].first_chunk().expect("the row is long enough"));
        let shard = Self {
            seed: u64::from_le_bytes(*bytes.first_chunk().expect("the row is long enough")),
            segment_length: number(8),
            segments: number(12),
            entries: number(16),
            checksum: *bytes.last_chunk().expect("the row is long enough"),
            offset: 0,
        };
        let possible = shard.segment_length.is_power_of_two() && shard.segment_length <= SEGMENT_LENGTH_MAX && shard.segments > 0;
        let fits = shard.segments.checked_add(2)?.checked_mul(shard.segment_length)?.checked_mul(2).is_some();
        (possible && fits).then_some(shard)
    }

    /// The size of its fingerprints.
    pub fn bytes(&self) -> usize {
        2 * (self.segments as usize + 2) * self.segment_length as usize
    }

    /// The fingerprint of a key, and the positions whose fingerprints make it up if the key is in the filter.
    ///
    /// From "Binary Fuse Filters" (Graf and Lemire, 2022), in the shape that the crate `xorf` builds; the version of the file stands
    /// for it.
    pub fn probe(&self, key: u64) -> (u16, [u32; 3]) {
        let hash = mix(key.wrapping_add(self.seed));
        let mask = u64::from(self.segment_length - 1);
        let first = (u128::from(hash) * u128::from(self.segments * self.segment_length)) >> 64;
        let first = low_half(u64::try_from(first).expect("a product of 64 and 32 bits has 96"));
        let second = (first + self.segment_length) ^ low_half((hash >> 18) & mask);
        let third = (first + 2 * self.segment_length) ^ low_half(hash & mask);
        let fingerprint = (hash ^ (hash >> 32)) & 0xffff;
        (u16::try_from(fingerprint).expect("it was cut to 16 bits"), [first, second, third])
    }
}

fn low_half(number: u64) -> u32 {
    u32::try_from(number & 0xffff_ffff).expect("it was cut to 32 bits")
}

/// The last step of `MurmurHash3`.
fn mix(mut key: u64) -> u64 {
    key ^= key >> 33;
    key = key.wrapping_mul(0xff51_afd7_ed55_8ccd);
    key ^= key >> 33;
    key = key.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    key ^ (key >> 33)
}
