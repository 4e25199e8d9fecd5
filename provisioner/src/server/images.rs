//! The image library: `ASSETS/images/NAME/image.yaml` says which file is the image and what it must hash to.

use std::path::{Path, PathBuf};

use api::node::{ImageFormat, ImageSource};
use serde::Deserialize;

/// The manifest as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    file: String,
    sha256: String,
    format: ImageFormat,
    #[serde(default)]
    size_bytes: Option<u64>,
}

/// Why an image cannot be ordered.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// There is no manifest.
    #[error("image {name:?} is not in the library: cannot read {path}")]
    Missing {
        /// Its name.
        name: String,
        /// Its manifest.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The manifest cannot be understood.
    #[error("{path} is not an image's manifest (file, sha256, format, size_bytes)")]
    Manifest {
        /// Its manifest.
        path: PathBuf,
        /// What the parser said.
        #[source]
        source: serde_yaml::Error,
    },
    /// The manifest says something that cannot be.
    #[error("{path}: {what}")]
    Wrong {
        /// Its manifest.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
}

/// Where an image of the library is fetched from, below the server's `base` URL.
pub fn find(assets: &Path, name: &str, base: &str) -> Result<ImageSource, ImageError> {
    let directory = assets.join("images").join(name);
    let path = directory.join("image.yaml");
    let text = std::fs::read_to_string(&path).map_err(|source| ImageError::Missing {
        name: name.to_owned(),
        path: path.clone(),
        source,
    })?;
    let manifest: Manifest = serde_yaml::from_str(&text)
        .map_err(|source| ImageError::Manifest { path: path.clone(), source })?;
    let wrong = |what: String| ImageError::Wrong { path: path.clone(), what };
    if manifest.file.contains('/') || manifest.file.starts_with('.') {
        return Err(wrong(format!("file: {:?} must be a plain file name", manifest.file)));
    }
    let sha256 = manifest.sha256.to_lowercase();
    if sha256.len() != 64 || !sha256.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(wrong("sha256: must be 64 hex digits, as `sha256sum` prints them".to_owned()));
    }
    if manifest.size_bytes == Some(0) {
        return Err(wrong("size_bytes: an image is not empty".to_owned()));
    }
    if !directory.join(&manifest.file).is_file() {
        return Err(wrong(format!("file: there is no {} beside it", manifest.file)));
    }
    let url = format!("{base}/assets/images/{name}/{}", manifest.file);
    Ok(ImageSource { url, sha256, format: manifest.format })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn library(manifest: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let image = dir.path().join("images/debian");
        std::fs::create_dir_all(&image).unwrap();
        std::fs::write(image.join("image.yaml"), manifest).unwrap();
        std::fs::write(image.join("image.raw.zst"), "x").unwrap();
        dir
    }

    fn found(manifest: &str) -> Result<ImageSource, String> {
        let dir = library(manifest);
        find(dir.path(), "debian", "http://h:1").map_err(|e| crate::server::recorder::chain(&e))
    }

    #[test]
    fn an_image_is_found_by_its_manifest() {
        let sha = "A".repeat(64);
        let image =
            found(&format!("file: image.raw.zst\nsha256: {sha}\nformat: raw-zstd\n")).unwrap();
        assert_eq!(image.url, "http://h:1/assets/images/debian/image.raw.zst");
        assert_eq!(
            (image.format, image.sha256.as_str()),
            (ImageFormat::RawZstd, "a".repeat(64).as_str())
        );
    }

    #[test]
    fn a_faulty_manifest_says_what_is_wrong() {
        let sha = "a".repeat(64);
        for (manifest, says) in [
            ("file: x\n".to_owned(), "missing field"),
            (format!("file: ../x\nsha256: {sha}\nformat: raw\n"), "plain file name"),
            ("file: image.raw.zst\nsha256: abc\nformat: raw\n".to_owned(), "64 hex digits"),
            (format!("file: nope\nsha256: {sha}\nformat: raw\n"), "there is no nope"),
            (format!("file: image.raw.zst\nsha256: {sha}\nformat: qcow2\n"), "qcow2"),
        ] {
            let error = found(&manifest).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }
}
