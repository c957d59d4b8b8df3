#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <uv.h>

// Variadic; at most 15 characters are kept.
static inline void kassa_name_this_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }

// A lane answers no signals: they go to the main thread.
static inline void kassa_block_signals(void) {
  sigset_t all;
  sigfillset(&all);
  sigdelset(&all, SIGSEGV);
  sigdelset(&all, SIGBUS);
  sigdelset(&all, SIGILL);
  sigdelset(&all, SIGFPE);
  sigdelset(&all, SIGTRAP);
  sigdelset(&all, SIGABRT);
  pthread_sigmask(SIG_BLOCK, &all, 0);
}

// The flags are an enumeration that Swift does not import.
static inline int kassa_eventfd(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }
