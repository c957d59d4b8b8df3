#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

// Flags and codes that Swift does not import, or imports as several types.
static inline int kassa_tls_client(gnutls_session_t *session) {
  return gnutls_init(session, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);
}
static inline int kassa_tls_name(gnutls_session_t session, const char *name, unsigned long length) {
  return gnutls_server_name_set(session, GNUTLS_NAME_DNS, name, length);
}
static inline int kassa_tls_trust(gnutls_certificate_credentials_t credentials, const char *file) {
  if (file) return gnutls_certificate_set_x509_trust_file(credentials, file, GNUTLS_X509_FMT_PEM);
  return gnutls_certificate_set_x509_system_trust(credentials);
}
static inline int kassa_tls_use(gnutls_session_t session, gnutls_certificate_credentials_t credentials) {
  return gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials);
}
static inline int kassa_tls_is_again(long status) {
  return status == GNUTLS_E_AGAIN || status == GNUTLS_E_INTERRUPTED;
}

// One end of a connection between pods: TLS 1.3 only, no tickets; the other end's certificate is required and verified
// against the authorities and the time, but not against a name.
static inline int kassa_tls_peer(gnutls_session_t *session, int is_client, gnutls_certificate_credentials_t credentials) {
  unsigned int flags = GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL | GNUTLS_NO_TICKETS;
  int status = gnutls_init(session, flags | (is_client ? GNUTLS_CLIENT : GNUTLS_SERVER));
  if (status < 0) return status;
  status = gnutls_priority_set_direct(*session, "NORMAL:-VERS-ALL:+VERS-TLS1.3", NULL);
  if (status == 0) status = gnutls_credentials_set(*session, GNUTLS_CRD_CERTIFICATE, credentials);
  if (status < 0) {
    gnutls_deinit(*session);
    return status;
  }
  if (!is_client) gnutls_certificate_server_set_request(*session, GNUTLS_CERT_REQUIRE);
  gnutls_session_set_verify_cert(*session, NULL, 0);
  return 0;
}
static inline int kassa_tls_trust_memory(gnutls_certificate_credentials_t credentials, const gnutls_datum_t *pem) {
  return gnutls_certificate_set_x509_trust_mem(credentials, pem, GNUTLS_X509_FMT_PEM);
}
static inline int kassa_tls_prove_memory(
    gnutls_certificate_credentials_t credentials, const gnutls_datum_t *certificate, const gnutls_datum_t *key) {
  return gnutls_certificate_set_x509_key_mem(credentials, certificate, key, GNUTLS_X509_FMT_PEM);
}
// Whether a handshake failed because the other end's certificate is missing or untrusted.
static inline int kassa_tls_is_distrust(long status) {
  return status == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR || status == GNUTLS_E_CERTIFICATE_ERROR ||
         status == GNUTLS_E_NO_CERTIFICATE_FOUND || status == GNUTLS_E_CERTIFICATE_REQUIRED;
}

// Certificates as `kassa keys` makes them: keys on P-256, signatures with SHA-256, PEM.
static inline int kassa_x509_make_key(gnutls_x509_privkey_t key) {
  return gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
}
static inline int kassa_x509_sign(gnutls_x509_crt_t subject, gnutls_x509_crt_t issuer, gnutls_x509_privkey_t key) {
  return gnutls_x509_crt_sign2(subject, issuer, key, GNUTLS_DIG_SHA256, 0);
}
static inline int kassa_x509_set_usage(gnutls_x509_crt_t certificate, int is_authority) {
  if (is_authority) return gnutls_x509_crt_set_key_usage(certificate, GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN);
  int status = gnutls_x509_crt_set_key_usage(certificate, GNUTLS_KEY_DIGITAL_SIGNATURE);
  if (status == 0) status = gnutls_x509_crt_set_key_purpose_oid(certificate, GNUTLS_KP_TLS_WWW_SERVER, 0);
  if (status == 0) status = gnutls_x509_crt_set_key_purpose_oid(certificate, GNUTLS_KP_TLS_WWW_CLIENT, 0);
  return status;
}
static inline int kassa_x509_export(gnutls_x509_crt_t certificate, gnutls_datum_t *pem) {
  return gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_PEM, pem);
}
static inline int kassa_x509_export_key(gnutls_x509_privkey_t key, gnutls_datum_t *pem) {
  return gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, pem);
}
static inline int kassa_x509_import(gnutls_x509_crt_t certificate, const gnutls_datum_t *pem) {
  return gnutls_x509_crt_import(certificate, pem, GNUTLS_X509_FMT_PEM);
}
static inline int kassa_x509_import_key(gnutls_x509_privkey_t key, const gnutls_datum_t *pem) {
  return gnutls_x509_privkey_import2(key, pem, GNUTLS_X509_FMT_PEM, NULL, 0);
}
static inline int kassa_x509_random(void *bytes, unsigned long count) {
  return gnutls_rnd(GNUTLS_RND_NONCE, bytes, count);
}

// Keys and signatures of JSON Web Tokens: ES256 and RS256.
static inline int kassa_pubkey_import_p256(gnutls_pubkey_t key, const gnutls_datum_t *x, const gnutls_datum_t *y) {
  return gnutls_pubkey_import_ecc_raw(key, GNUTLS_ECC_CURVE_SECP256R1, x, y);
}
static inline int kassa_pubkey_verify(
    gnutls_pubkey_t key, int is_rsa, const gnutls_datum_t *data, const gnutls_datum_t *signature) {
  return gnutls_pubkey_verify_data2(
      key, is_rsa ? GNUTLS_SIGN_RSA_SHA256 : GNUTLS_SIGN_ECDSA_SHA256, 0, data, signature);
}

static inline void kassa_tls_free(gnutls_datum_t *datum) {
  gnutls_free(datum->data);
  datum->data = NULL;
}
