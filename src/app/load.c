/* Settings from everywhere; see load.h. */
#include "load.h"

#include <stdio.h>
#include <string.h>

#include "places.h"

static int load_optional(struct settings *settings, char *path, struct err *err)
{
    int result = settings_load(settings, path, true, err);
    mem_free(path);
    return result;
}

int load_overrides(const struct options *options, struct settings *settings, struct err *err)
{
    for (size_t i = 0; i < options->config_count; i++)
        if (settings_load(settings, options->config[i], false, err) != 0)
            return -1;
    for (size_t i = 0; i < options->set_count; i++)
        if (settings_set_line(settings, options->set[i], err) != 0)
            return err_context(err, "--set");
    return 0;
}

/* What the view remembers is no reason not to train. */
static int load_own(struct settings *out, struct err *err)
{
    struct err why;
    settings_init(out);
    if (load_optional(out, places_system_config(), err) != 0 ||
        load_optional(out, places_user_config(), err) != 0)
        return -1;
    if (load_optional(out, places_view_settings(), &why) != 0)
        fprintf(stderr, "kdtui: %s: the view's choices are not used\n", why.text);
    return 0;
}

int load_view_settings(const struct options *options, struct settings *out, struct err *err)
{
    if (load_own(out, err) != 0)
        return -1;
    for (size_t i = 0; i < options->set_count; i++)
        if (strncmp(options->set[i], "view.", strlen("view.")) == 0 &&
            settings_set_line(out, options->set[i], err) != 0)
            return err_context(err, "--set");
    return 0;
}

int load_given(const struct options *options, struct settings *settings, struct err *err)
{
    if (options->preset) {
        char *path = places_preset(options->preset, err);
        if (!path)
            return -1;
        int result = settings_load(settings, path, false, err);
        mem_free(path);
        if (result != 0)
            return -1;
    }
    if (load_overrides(options, settings, err) != 0)
        return -1;
    return settings_check(settings, err);
}

int load_settings(const struct options *options, struct settings *out, struct err *err)
{
    return load_own(out, err) != 0 ? -1 : load_given(options, out, err);
}
