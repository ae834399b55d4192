"""A certificate authority for tests: made when they run, so that nothing expires in the repository."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate and its key, as files."""

    certificate: Path
    key: Path

    def server_context(self, *alpn: str) -> ssl.SSLContext:
        """Return a context for a server that shows this certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        if alpn:
            context.set_alpn_protocols(list(alpn))
        return context


class Authority:
    """Signs certificates; its own is in the file `ca_file`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named("Test authority")
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        self._certificate = (
            _builder(self._name, self._name, self._key, days=1).add_extension(constraints, critical=True)
        ).sign(self._key, SHA256())
        path = folder / "ca.pem"
        path.write_bytes(self._certificate.public_bytes(Encoding.PEM))
        self.ca_file = str(path)

    def issue(
        self, *names: str, common_name: str = "Test server", expired: bool = False, self_signed: bool = False
    ) -> Identity:
        """Return a certificate for host names and addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _named(common_name)
        signer, issuer = (key, subject) if self_signed else (self._key, self._name)
        certificate = (
            _builder(subject, issuer, key, days=-1 if expired else 1)
            .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
            .sign(signer, SHA256())
        )
        stem = f"{certificate.serial_number:x}"
        identity = Identity(self._folder / f"{stem}.pem", self._folder / f"{stem}.key")
        identity.certificate.write_bytes(certificate.public_bytes(Encoding.PEM))
        identity.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return identity


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, *, days: int
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return x509.CertificateBuilder(
        subject_name=subject,
        issuer_name=issuer,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=now - timedelta(days=30),
        not_valid_after=now + timedelta(days=days),
    )


def _named(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
