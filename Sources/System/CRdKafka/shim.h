#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <sys/eventfd.h>

// Swift imports no functions of variable arity. Takes the headers only if it succeeds; copies the rest.
static inline rd_kafka_resp_err_t kassa_produce(
  rd_kafka_t *client, const char *topic, const void *key, size_t key_bytes, const void *value, size_t value_bytes,
  rd_kafka_headers_t *headers, void *tag) {
  return rd_kafka_producev(
    client, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_KEY(key, key_bytes), RD_KAFKA_V_VALUE((void *)value, value_bytes),
    RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(tag), RD_KAFKA_V_END);
}

// Swift's C library module lacks it.
static inline int kassa_wake_descriptor(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }
