#include <hiredis/hiredis.h>
#include <stdlib.h>

// hiredis allocates an array of the length in a reply's head, before its elements have arrived. The reader below
// refuses arrays that no expected answer contains: longer than a bound, or nested.
#if HIREDIS_MAJOR >= 1
typedef size_t kassa_array_length;
#else
typedef int kassa_array_length;
#endif

typedef void *(*kassa_create_array)(const redisReadTask *, kassa_array_length);

typedef struct {
  redisReplyObjectFunctions functions;
  kassa_create_array create_array;
  size_t elements_max;
} kassa_reader_bounds;

static void *kassa_bounded_array(const redisReadTask *task, kassa_array_length elements) {
  const kassa_reader_bounds *bounds = (const kassa_reader_bounds *)task->privdata;
  if (task->parent || elements < 0 || (size_t)elements > bounds->elements_max) return NULL;
  return bounds->create_array(task, elements);
}

static inline redisReader *kassa_reader_create(size_t elements_max) {
  redisReader *reader = redisReaderCreate();
  if (!reader) return NULL;
  kassa_reader_bounds *bounds = (kassa_reader_bounds *)malloc(sizeof *bounds);
  if (!bounds) {
    redisReaderFree(reader);
    return NULL;
  }
  bounds->functions = *reader->fn;
  bounds->create_array = reader->fn->createArray;
  bounds->elements_max = elements_max;
  bounds->functions.createArray = kassa_bounded_array;
  reader->fn = &bounds->functions;
  reader->privdata = bounds;
  return reader;
}

static inline void kassa_reader_free(redisReader *reader) {
  void *bounds = reader->privdata;
  redisReaderFree(reader);
  free(bounds);
}
