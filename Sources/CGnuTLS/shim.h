#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

// The flags and codes that Swift does not import, or imports as several types.
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
