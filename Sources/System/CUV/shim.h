#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <uv.h>

// Variadic; keeps at most 15 characters.
static inline void kassa_name_this_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }

// Lanes handle no signals: these go to the main thread.
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
