#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

// libmicrohttpd takes options and returns information through variadic functions, which Swift does not import.

// POLLRDHUP, which needs _GNU_SOURCE: the other side has closed its half.
static const short kassa_poll_closed = 0x2000;

// The library's last message; filled while `is_open`, so that a failed start can be explained. Later messages are about
// clients' errors; `refuses` is called before the library answers a request itself, which it reports in no other way.
struct kassa_daemon_log {
  int is_open;
  char text[512];
  void *context;
  void (*refuses)(void *context);
};

static inline void kassa_daemon_note(void *context, const char *format, va_list arguments) {
  struct kassa_daemon_log *log = (struct kassa_daemon_log *)context;
  static const char refusal[] = "Error processing request";
  if (log->is_open) vsnprintf(log->text, sizeof log->text, format, arguments);
  else if (strncmp(format, refusal, sizeof refusal - 1) == 0) log->refuses(log->context);
}

struct kassa_daemon_settings {
  unsigned int flags;
  int socket;
  size_t memory_bytes;
  unsigned int connections_max;
  // PEM and a priority string for TLS, else null.
  const char *certificate;
  const char *key;
  const char *priorities;
  // Every callback's first argument.
  void *context;
  MHD_AcceptPolicyCallback admit;
  MHD_AccessHandlerCallback handle;
  void *(*start)(void *context, const char *target, struct MHD_Connection *connection);
  MHD_RequestCompletedCallback complete;
  MHD_NotifyConnectionCallback connect;
};

// Leaves the path as it was sent.
static inline size_t kassa_keep_escapes(void *context, struct MHD_Connection *connection, char *text) {
  (void)context;
  (void)connection;
  return strlen(text);
}

static inline struct MHD_Daemon *kassa_daemon_start(
    const struct kassa_daemon_settings *settings, struct kassa_daemon_log *log) {
  struct MHD_OptionItem tls[] = {
      {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)settings->certificate},
      {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)settings->key},
      {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)settings->priorities},
      {MHD_OPTION_END, 0, 0},
  };
  struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, 0}};
  return MHD_start_daemon(
      settings->flags, 0, settings->admit, settings->context, settings->handle, settings->context,
      MHD_OPTION_EXTERNAL_LOGGER, kassa_daemon_note, log,
      MHD_OPTION_LISTEN_SOCKET, settings->socket,
      MHD_OPTION_CONNECTION_LIMIT, settings->connections_max,
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, settings->memory_bytes,
      MHD_OPTION_CONNECTION_TIMEOUT, 0U,
      MHD_OPTION_STRICT_FOR_CLIENT, 0,
      MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
      MHD_OPTION_UNESCAPE_CALLBACK, kassa_keep_escapes, (void *)0,
      MHD_OPTION_URI_LOG_CALLBACK, settings->start, settings->context,
      MHD_OPTION_NOTIFY_COMPLETED, settings->complete, settings->context,
      MHD_OPTION_NOTIFY_CONNECTION, settings->connect, settings->context,
      MHD_OPTION_ARRAY, settings->certificate ? tls : none,
      MHD_OPTION_END);
}

static inline int kassa_daemon_epoll(struct MHD_Daemon *daemon) {
  const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
  return info ? info->epoll_fd : -1;
}

static inline int kassa_connection_socket(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  return info ? info->connect_fd : -1;
}

static inline void *kassa_connection_context(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  return info ? info->socket_context : 0;
}

static inline const struct sockaddr *kassa_connection_address(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  return info ? info->client_addr : 0;
}

// Bytes received on a TCP socket, read or not; 0 if the system does not report them. The C library's `tcp_info` ends
// before this kernel field, whose place never changes: option TCP_INFO, `tcpi_bytes_received`.
static inline uint64_t kassa_socket_bytes_received(int socket) {
  uint64_t information[17] = {0};
  socklen_t size = sizeof information;
  if (getsockopt(socket, IPPROTO_TCP, 11, information, &size) != 0 || size < sizeof information) return 0;
  return information[16];
}

// Whether neither side, or only the other one, has closed a TCP socket: TCP_INFO, `tcpi_state`.
static inline int kassa_socket_is_open(int socket) {
  unsigned char state = 0;
  socklen_t size = sizeof state;
  if (getsockopt(socket, IPPROTO_TCP, 11, &state, &size) != 0) return 0;
  return state == 1 || state == 8; // TCP_ESTABLISHED, TCP_CLOSE_WAIT
}

// The GnuTLS session of a connection; null without TLS.
static inline void *kassa_connection_tls(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
  return info ? info->tls_session : 0;
}

// Bytes of the head including its final empty line; 0 until all of it has arrived.
static inline size_t kassa_connection_head_bytes(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
  return info ? info->header_size : 0;
}

// The status of the queued answer; 0 before that.
static inline unsigned int kassa_connection_status(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_HTTP_STATUS);
  return info ? info->http_status : 0;
}
