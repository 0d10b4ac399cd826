/* A VA-API driver in place of a graphics card, for verify.py: it "decodes" H.264 by returning the
 * pictures of a file, one after the other, whatever it is given.
 *
 * So libva, FFmpeg's VAAPI decoder, the download of its pictures and Rejoin's comparison with
 * software are the real ones; only the card is not. Environment:
 *   STAND_IN_PICTURES   the file: NV12, 5 of 1920x1080, then 5 of 1280x720 (hardware_probe.SIZES)
 *   STAND_IN_FAULT      "wrong": brighter pictures; "crash": the process dies in the third picture;
 *                       "hang": the third never ends
 *
 * cc -shared -fPIC -O2 -o stand_in_drv_video.so stand_in_driver.c
 *
 * A device node is needed too. Any that can be opened will do (one of /dev/null's kind), because this
 * library, loaded first (LD_PRELOAD), tells libva that it is a card's.
 */

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <va/va.h>
#include <va/va_backend.h>

#define MOST 256
#define CONFIG 1
#define CONTEXT 2

struct surface { int width, height; unsigned char *pixels; };
struct buffer { void *data; };
struct image { int width, height; VABufferID buffer; };

static struct surface surfaces[MOST];
static struct buffer buffers[MOST * 16];
static struct image images[MOST];
static VASurfaceID target;
static unsigned char *pictures;
static size_t length, at;
static int number;

static size_t size_of(int width, int height) { return (size_t)width * height * 3 / 2; }

static const char *fault(void)
{
    const char *said = getenv("STAND_IN_FAULT");
    return said ? said : "";
}

/* Of libdrm, which libva asks; 2 is DRM_NODE_RENDER. */
int drmGetNodeTypeFromFd(int fd) { return 2; }

static VAStatus done(void) { return VA_STATUS_SUCCESS; }
static VAStatus never(void) { return VA_STATUS_ERROR_UNIMPLEMENTED; }

static VAStatus query_profiles(VADriverContextP ctx, VAProfile *list, int *count)
{
    list[0] = VAProfileH264High;
    list[1] = VAProfileH264Main;
    list[2] = VAProfileH264ConstrainedBaseline;
    *count = 3;
    return VA_STATUS_SUCCESS;
}

static VAStatus query_entrypoints(VADriverContextP ctx, VAProfile p, VAEntrypoint *list, int *count)
{
    list[0] = VAEntrypointVLD;
    *count = 1;
    return VA_STATUS_SUCCESS;
}

static VAStatus get_attributes(VADriverContextP ctx, VAProfile p, VAEntrypoint e,
                               VAConfigAttrib *list, int count)
{
    for (int i = 0; i < count; i++)
        list[i].value = list[i].type == VAConfigAttribRTFormat ? VA_RT_FORMAT_YUV420
                                                                : VA_ATTRIB_NOT_SUPPORTED;
    return VA_STATUS_SUCCESS;
}

static VAStatus create_config(VADriverContextP ctx, VAProfile p, VAEntrypoint e,
                              VAConfigAttrib *list, int count, VAConfigID *id)
{
    *id = CONFIG;
    return VA_STATUS_SUCCESS;
}

static VAStatus query_config(VADriverContextP ctx, VAConfigID id, VAProfile *profile,
                             VAEntrypoint *entrypoint, VAConfigAttrib *list, int *count)
{
    *profile = VAProfileH264High;
    *entrypoint = VAEntrypointVLD;
    list[0].type = VAConfigAttribRTFormat;
    list[0].value = VA_RT_FORMAT_YUV420;
    *count = 1;
    return VA_STATUS_SUCCESS;
}

static void integer(VASurfaceAttrib *one, VASurfaceAttribType type, int value)
{
    one->type = type;
    one->flags = VA_SURFACE_ATTRIB_GETTABLE | VA_SURFACE_ATTRIB_SETTABLE;
    one->value.type = VAGenericValueTypeInteger;
    one->value.value.i = value;
}

static VAStatus query_surface(VADriverContextP ctx, VAConfigID id, VASurfaceAttrib *list,
                              unsigned int *count)
{
    if (list) {
        integer(&list[0], VASurfaceAttribPixelFormat, VA_FOURCC_NV12);
        integer(&list[1], VASurfaceAttribMinWidth, 16);
        integer(&list[2], VASurfaceAttribMinHeight, 16);
        integer(&list[3], VASurfaceAttribMaxWidth, 4096);
        integer(&list[4], VASurfaceAttribMaxHeight, 4096);
    }
    *count = 5;
    return VA_STATUS_SUCCESS;
}

static VAStatus create_surfaces(VADriverContextP ctx, unsigned int format, unsigned int width,
                                unsigned int height, VASurfaceID *ids, unsigned int count,
                                VASurfaceAttrib *list, unsigned int attributes)
{
    for (unsigned int made = 0, i = 1; made < count; i++) {
        if (i == MOST)
            return VA_STATUS_ERROR_ALLOCATION_FAILED;
        if (surfaces[i].pixels)
            continue;
        surfaces[i] = (struct surface){width, height, calloc(1, size_of(width, height))};
        ids[made++] = i;
    }
    return VA_STATUS_SUCCESS;
}

static VAStatus create_old_surfaces(VADriverContextP ctx, int width, int height, int format,
                                    int count, VASurfaceID *ids)
{
    return create_surfaces(ctx, format, width, height, ids, count, NULL, 0);
}

static VAStatus destroy_surfaces(VADriverContextP ctx, VASurfaceID *ids, int count)
{
    for (int i = 0; i < count; i++) {
        free(surfaces[ids[i]].pixels);
        surfaces[ids[i]].pixels = NULL;
    }
    return VA_STATUS_SUCCESS;
}

static VAStatus create_context(VADriverContextP ctx, VAConfigID config, int width, int height,
                               int flag, VASurfaceID *list, int count, VAContextID *id)
{
    *id = CONTEXT;
    return VA_STATUS_SUCCESS;
}

static VAStatus create_buffer(VADriverContextP ctx, VAContextID context, VABufferType type,
                              unsigned int size, unsigned int count, void *data, VABufferID *id)
{
    for (int i = 1; i < MOST * 16; i++) {
        if (buffers[i].data)
            continue;
        buffers[i].data = calloc(count, size);
        if (data)
            memcpy(buffers[i].data, data, (size_t)size * count);
        *id = i;
        return VA_STATUS_SUCCESS;
    }
    return VA_STATUS_ERROR_ALLOCATION_FAILED;
}

static VAStatus map_buffer(VADriverContextP ctx, VABufferID id, void **data)
{
    *data = buffers[id].data;
    return VA_STATUS_SUCCESS;
}

static VAStatus destroy_buffer(VADriverContextP ctx, VABufferID id)
{
    free(buffers[id].data);
    buffers[id].data = NULL;
    return VA_STATUS_SUCCESS;
}

static VAStatus begin_picture(VADriverContextP ctx, VAContextID context, VASurfaceID surface)
{
    target = surface;
    return VA_STATUS_SUCCESS;
}

static VAStatus end_picture(VADriverContextP ctx, VAContextID context)
{
    static const int sizes[2][2] = {{1920, 1080}, {1280, 720}};
    const int *size = sizes[number / 5 % 2];
    size_t rows = (size_t)size[1] * 3 / 2, wide = size[0];
    struct surface *to = &surfaces[target];

    if (at + wide * rows > length || to->width < size[0] || to->height < size[1])
        return VA_STATUS_ERROR_DECODING_ERROR;
    number++;
    if (number == 3 && !strcmp(fault(), "crash"))
        abort();
    while (number == 3 && !strcmp(fault(), "hang"))
        sleep(1);
    for (size_t row = 0; row < rows; row++) {
        /* The second plane begins after the surface's rows, of which there may be more. */
        size_t below = row < (size_t)size[1] ? row : row - size[1] + to->height;
        memcpy(to->pixels + below * to->width, pictures + at + row * wide, wide);
    }
    if (!strcmp(fault(), "wrong"))
        for (size_t i = 0; i < wide; i++)
            to->pixels[i] += 9;
    at += wide * rows;
    return VA_STATUS_SUCCESS;
}

static VAStatus surface_status(VADriverContextP ctx, VASurfaceID id, VASurfaceStatus *status)
{
    *status = VASurfaceReady;
    return VA_STATUS_SUCCESS;
}

static VAStatus query_formats(VADriverContextP ctx, VAImageFormat *list, int *count)
{
    list[0] = (VAImageFormat){.fourcc = VA_FOURCC_NV12, .byte_order = VA_LSB_FIRST,
                              .bits_per_pixel = 12};
    *count = 1;
    return VA_STATUS_SUCCESS;
}

static VAStatus create_image(VADriverContextP ctx, VAImageFormat *format, int width, int height,
                             VAImage *image)
{
    for (int i = 1; i < MOST; i++) {
        if (images[i].width)
            continue;
        images[i].width = width;
        images[i].height = height;
        create_buffer(ctx, CONTEXT, VAImageBufferType, size_of(width, height), 1, NULL,
                      &images[i].buffer);
        memset(image, 0, sizeof *image);
        image->image_id = i;
        image->format = *format;
        image->buf = images[i].buffer;
        image->width = width;
        image->height = height;
        image->data_size = size_of(width, height);
        image->num_planes = 2;
        image->pitches[0] = image->pitches[1] = width;
        image->offsets[1] = width * height;
        return VA_STATUS_SUCCESS;
    }
    return VA_STATUS_ERROR_ALLOCATION_FAILED;
}

static VAStatus destroy_image(VADriverContextP ctx, VAImageID id)
{
    destroy_buffer(ctx, images[id].buffer);
    images[id].width = 0;
    return VA_STATUS_SUCCESS;
}

static VAStatus get_image(VADriverContextP ctx, VASurfaceID from, int x, int y, unsigned int width,
                          unsigned int height, VAImageID id)
{
    const struct surface *source = &surfaces[from];
    const struct image *to = &images[id];
    unsigned char *pixels = buffers[to->buffer].data;

    for (unsigned int row = 0; row < height; row++)
        memcpy(pixels + row * to->width, source->pixels + row * source->width, width);
    pixels += to->width * to->height;
    for (unsigned int row = 0; row < height / 2; row++)
        memcpy(pixels + row * to->width,
               source->pixels + (source->height + row) * source->width, width);
    return VA_STATUS_SUCCESS;
}

VAStatus __vaDriverInit_1_0(VADriverContextP ctx)
{
    struct VADriverVTable *calls = ctx->vtable;
    const char *name = getenv("STAND_IN_PICTURES");
    int file = name ? open(name, O_RDONLY) : -1;

    if (file < 0)
        return VA_STATUS_ERROR_OPERATION_FAILED;
    length = lseek(file, 0, SEEK_END);
    pictures = mmap(NULL, length, PROT_READ, MAP_PRIVATE, file, 0);
    close(file);
    if (pictures == MAP_FAILED)
        return VA_STATUS_ERROR_OPERATION_FAILED;
    at = number = 0;

    /* libva refuses a driver that lacks one of these. */
    for (void **each = (void **)calls; (void *)each < (void *)(calls + 1); each++)
        if ((char *)each < (char *)calls->reserved)
            *each = (void *)never;
    calls->vaTerminate = (void *)done;
    calls->vaQueryConfigProfiles = query_profiles;
    calls->vaQueryConfigEntrypoints = query_entrypoints;
    calls->vaGetConfigAttributes = get_attributes;
    calls->vaCreateConfig = create_config;
    calls->vaDestroyConfig = (void *)done;
    calls->vaQueryConfigAttributes = query_config;
    calls->vaCreateSurfaces = create_old_surfaces;
    calls->vaCreateSurfaces2 = create_surfaces;
    calls->vaDestroySurfaces = destroy_surfaces;
    calls->vaQuerySurfaceAttributes = query_surface;
    calls->vaCreateContext = create_context;
    calls->vaDestroyContext = (void *)done;
    calls->vaCreateBuffer = create_buffer;
    calls->vaMapBuffer = map_buffer;
    calls->vaUnmapBuffer = (void *)done;
    calls->vaDestroyBuffer = destroy_buffer;
    calls->vaBeginPicture = begin_picture;
    calls->vaRenderPicture = (void *)done;
    calls->vaEndPicture = end_picture;
    calls->vaSyncSurface = (void *)done;
    calls->vaQuerySurfaceStatus = surface_status;
    calls->vaQueryImageFormats = query_formats;
    calls->vaCreateImage = create_image;
    calls->vaDestroyImage = destroy_image;
    calls->vaGetImage = get_image;

    ctx->version_major = VA_MAJOR_VERSION;
    ctx->version_minor = VA_MINOR_VERSION;
    ctx->max_profiles = 3;
    ctx->max_entrypoints = 1;
    ctx->max_attributes = 1;
    ctx->max_image_formats = 1;
    ctx->max_subpic_formats = 1;
    ctx->max_display_attributes = 1;
    ctx->str_vendor = "Stand-in for a graphics card";
    return VA_STATUS_SUCCESS;
}
