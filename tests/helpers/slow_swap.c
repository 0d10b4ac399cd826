/* Makes every exchange of buffers slow, as a busy screen or driver does: for LD_PRELOAD, and for
   Vulkan also as QT_VULKAN_LIB, because Qt asks its library for the address of each function.

   SLOW_SWAP_MS says by how much. Counts the calls, and those that ran at the same time. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static atomic_int swaps, running, most_at_once;

int slow_swap_count(void) { return swaps; }

int slow_swap_most_at_once(void) { return most_at_once; }

static void begin(void) {
    const char *set = getenv("SLOW_SWAP_MS");
    long ms = set ? atol(set) : 0;
    struct timespec wait = {ms / 1000, ms % 1000 * 1000000};
    int now = ++running;
    if (now > most_at_once) most_at_once = now;
    swaps++;
    if (ms) nanosleep(&wait, NULL);
}

static void *real(const char *library, const char *name) {
    void *loaded = dlopen(library, RTLD_LAZY);
    return loaded ? dlsym(loaded, name) : NULL;
}

void glXSwapBuffers(void *display, unsigned long drawable) {
    static void (*swap)(void *, unsigned long);
    if (!swap) swap = (void (*)(void *, unsigned long))real("libGL.so.1", "glXSwapBuffers");
    begin();
    if (swap) swap(display, drawable);
    running--;
}

unsigned int eglSwapBuffers(void *display, void *surface) {
    static unsigned int (*swap)(void *, void *);
    if (!swap) swap = (unsigned int (*)(void *, void *))real("libEGL.so.1", "eglSwapBuffers");
    begin();
    unsigned int done = swap ? swap(display, surface) : 0;
    running--;
    return done;
}

typedef void (*function)(void);
typedef function (*address)(void *, const char *);

static int (*present)(void *, const void *);
static address of_device;

static int slow_present(void *queue, const void *info) {
    begin();
    int done = present(queue, info);
    running--;
    return done;
}

static function slowed(function found, const char *name) {
    if (!found || strcmp(name, "vkQueuePresentKHR")) return found;
    present = (int (*)(void *, const void *))found;
    return (function)slow_present;
}

static function get_of_device(void *device, const char *name) {
    return slowed(of_device(device, name), name);
}

function vkGetInstanceProcAddr(void *instance, const char *name) {
    static address of_instance;
    if (!of_instance) of_instance = (address)real("libvulkan.so.1", __func__);
    function found = of_instance ? of_instance(instance, name) : NULL;
    if (!found || strcmp(name, "vkGetDeviceProcAddr")) return slowed(found, name);
    of_device = (address)found;
    return (function)get_of_device;
}
