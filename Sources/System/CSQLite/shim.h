/* Declares the functions that show a row before it changes; Debian's library has them. */
#define SQLITE_ENABLE_PREUPDATE_HOOK
#include <sqlite3.h>
