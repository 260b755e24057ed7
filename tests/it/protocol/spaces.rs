//! How large the enumerated spaces are, told where `make test` finds it.

use std::path::Path;

/// Says how many members a space has that was searched whole.
pub(crate) fn tell(space: &str, size: usize) {
    println!("{space}: {size}");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("spaces");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(space.replace(' ', "-")), format!("{space:<50} {size:>9}\n")).unwrap();
}
