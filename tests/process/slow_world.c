// A world in which a name server does not answer and a disk is slow, for
// LD_PRELOAD: a look-up of a name with "silent" in it takes 20 s, and so does a
// sync while the file named by SLOW_WORLD exists.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void Wait(void) {
  for (int i = 0; i < 200; ++i) usleep(100 * 1000);
}

int getaddrinfo(const char* name, const char* service,
                const struct addrinfo* hints, struct addrinfo** found) {
  if (name != NULL && strstr(name, "silent") != NULL) {
    Wait();
    return EAI_AGAIN;
  }
  int (*real)(const char*, const char*, const struct addrinfo*,
              struct addrinfo**) = dlsym(RTLD_NEXT, "getaddrinfo");
  return real(name, service, hints, found);
}

static void Drag(void) {
  const char* file = getenv("SLOW_WORLD");
  if (file != NULL && access(file, F_OK) == 0) Wait();
}

int fsync(int file) {
  Drag();
  int (*real)(int) = dlsym(RTLD_NEXT, "fsync");
  return real(file);
}

int fdatasync(int file) {
  Drag();
  int (*real)(int) = dlsym(RTLD_NEXT, "fdatasync");
  return real(file);
}
