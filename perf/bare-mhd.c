// What libmicrohttpd alone can do: constant bytes, no parsing beyond the library's own, one thread a core with its
// own epoll set. Kassa's read rates are given as a share of this server's, measured in the same run.
//
//   cc -O2 -o bare-mhd perf/bare-mhd.c -lmicrohttpd
//   ./bare-mhd PORT THREADS [HEADERS]      ends at SIGINT or SIGTERM; HEADERS 0 leaves Content-Type out
#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char body[] = "{\"stock\":100,\"price\":250}";
static struct MHD_Response *response;

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *data, size_t *data_bytes, void **request) {
  (void)context, (void)url, (void)method, (void)version, (void)data;
  // The first call is for the head; an answer given there would close the connection.
  if (*request == NULL) {
    *request = response;
    return MHD_YES;
  }
  *data_bytes = 0;
  return MHD_queue_response(connection, MHD_HTTP_OK, response);
}

int main(int count, char **arguments) {
  if (count < 3) {
    fprintf(stderr, "usage: %s PORT THREADS [HEADERS]\n", arguments[0]);
    return 2;
  }
  unsigned int threads = (unsigned int)atoi(arguments[2]);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(arguments[1]))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

  // Built once and shared by all answers.
  response = MHD_create_response_from_buffer(sizeof body - 1, (void *)body, MHD_RESPMEM_PERSISTENT);
  if (count < 4 || atoi(arguments[3]) != 0) MHD_add_response_header(response, "Content-Type", "application/json");

  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  sigprocmask(SIG_BLOCK, &ends, NULL);

  // A pool of one thread is not allowed; without a pool there is one thread.
  struct MHD_OptionItem pool[] = {{threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, threads, NULL},
                                  {MHD_OPTION_END, 0, NULL}};
  struct MHD_Daemon *daemon =
      MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, &answer, NULL, MHD_OPTION_SOCK_ADDR, &address,
                       MHD_OPTION_CONNECTION_LIMIT, 10000u, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)20480,
                       MHD_OPTION_ARRAY, pool, MHD_OPTION_END);
  if (daemon == NULL) {
    fprintf(stderr, "cannot listen on 127.0.0.1:%s with %u threads\n", arguments[1], threads);
    return 1;
  }
  int signal;
  sigwait(&ends, &signal);
  MHD_stop_daemon(daemon);
  MHD_destroy_response(response);
  return 0;
}
