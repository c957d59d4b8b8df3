// A wall clock that jumps: loaded in front of the C library into a pod (LD_PRELOAD), it adds to the time of day the
// seconds that stand in the eight bytes of the file CLOCK_FILE. Other clocks, and the waits of the C library, stay as
// they are.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int (*real_clock)(clockid_t, struct timespec *);
static volatile const int64_t *jump;

__attribute__((constructor)) static void open_clock(void) {
  real_clock = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  const char *path = getenv("CLOCK_FILE");
  int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) return;
  void *place = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
  close(file);
  if (place != MAP_FAILED) jump = place;
}

int clock_gettime(clockid_t which, struct timespec *now) {
  // Somebody may ask before this library is ready.
  if (!real_clock) open_clock();
  int code = real_clock(which, now);
  if (code == 0 && which == CLOCK_REALTIME && jump) now->tv_sec += *jump;
  return code;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  struct timespec time;
  (void)zone;
  if (clock_gettime(CLOCK_REALTIME, &time) != 0) return -1;
  now->tv_sec = time.tv_sec;
  now->tv_usec = time.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *place) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (place) *place = now.tv_sec;
  return now.tv_sec;
}
