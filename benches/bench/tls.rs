//! HTTPS before the models, which speak HTTP: a certificate of one's own, and a door that decrypts.

use crate::world::host::Host;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

/// A certificate for this machine, which the contestants are reported to trust.
pub(crate) struct Tls {
    acceptor: TlsAcceptor,
    folder: TempDir,
}

impl Tls {
    pub(crate) fn new() -> Self {
        let names = vec!["127.0.0.1".to_owned()];
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).expect("a certificate");
        let folder = TempDir::new().expect("a folder");
        fs::write(authorities(folder.path()), cert.pem()).expect("the certificate is kept");
        let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der());
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key.into())
            .expect("the key is the certificate's");
        Self { acceptor: TlsAcceptor::from(Arc::new(config)), folder }
    }

    /// A door to the server at `url`, and its URL.
    pub(crate) fn before(&self, url: &str) -> (Host, String) {
        let upstream = url.trim_start_matches("http://").to_owned();
        let acceptor = self.acceptor.clone();
        let host = Host::run(Host::LOOPBACK, |listener| serve(listener, acceptor, upstream))
            .expect("the door listens");
        let url = host.url.replace("http:", "https:");
        (host, url)
    }

    /// What makes the contestants trust it: the SDK for Rust, and botocore.
    pub(crate) fn env(&self) -> [(String, String); 2] {
        let file = authorities(self.folder.path()).display().to_string();
        [("SSL_CERT_FILE".to_owned(), file.clone()), ("AWS_CA_BUNDLE".to_owned(), file)]
    }
}

fn authorities(folder: &Path) -> PathBuf {
    folder.join("authorities.pem")
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, upstream: String) {
    while let Ok((client, _)) = listener.accept().await {
        let (acceptor, upstream) = (acceptor.clone(), upstream.clone());
        tokio::spawn(async move {
            let _slower = client.set_nodelay(true);
            let mut client = acceptor.accept(client).await?;
            let mut server = TcpStream::connect(upstream).await?;
            server.set_nodelay(true)?;
            copy_bidirectional(&mut client, &mut server).await
        });
    }
}
