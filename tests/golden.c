/*
 * Golden files: comparing and rewriting them.
 */
#include "golden.h"

#include "kdt/base.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { GOLDEN_LARGEST = 1 << 20 };

void golden_compare(const char *name, const char *text)
{
    const char *top = getenv("top_srcdir");
    const char *update = getenv("KDTUI_GOLDEN_UPDATE");
    struct err err = {0};
    struct text path = {0};
    text_print(&path, "%s/tests/golden/%s.txt", top ? top : ".", name);
    if (update && !strcmp(update, "1")) {
        struct file_part part = {.bytes = text, .length = strlen(text)};
        if (file_write(path.bytes, &part, 1, &err))
            fail_msg("%s", err.text);
        text_fini(&path);
        return;
    }

    unsigned char *bytes;
    size_t length;
    if (file_read(path.bytes, GOLDEN_LARGEST, &bytes, &length, &err))
        fail_msg("%s", err.text);
    const char *wanted = (const char *)bytes;
    for (int line = 1; *wanted || *text; line++) {
        int wanted_length = (int)strcspn(wanted, "\n"), text_length = (int)strcspn(text, "\n");
        if (wanted_length != text_length || memcmp(wanted, text, (size_t)text_length + 1))
            fail_msg("%s:%d differs\n  wanted: %.*s\n  is:     %.*s", path.bytes, line,
                     wanted_length, wanted, text_length, text);
        wanted += wanted_length + (wanted[wanted_length] == '\n');
        text += text_length + (text[text_length] == '\n');
    }
    mem_free(bytes);
    text_fini(&path);
}
