//! Text as programs on Windows write it, too: UTF-16, and UTF-8 with a byte order mark.

/// The text of a file or of stdin; in an error, what the bytes are instead.
pub fn decode(bytes: Vec<u8>) -> Result<String, String> {
    let text = match bytes.as_slice() {
        [0xff, 0xfe, ..] => utf16(&bytes, u16::from_le_bytes),
        [0xfe, 0xff, ..] => utf16(&bytes, u16::from_be_bytes),
        _ => String::from_utf8(bytes).map_err(|_| {
            "it is not UTF-8 text. In PowerShell, `Out-File -Encoding utf8` writes that".to_owned()
        }),
    }?;
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, String> {
    let (units, rest) = bytes.as_chunks::<2>();
    let text = String::from_utf16(&units.iter().copied().map(unit).collect::<Vec<_>>()).ok();
    text.filter(|_| rest.is_empty())
        .ok_or_else(|| "it is not whole UTF-16 text: write it again as UTF-8".to_owned())
}
