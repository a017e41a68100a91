/*
 * service_setting: settings of the process that only one service reads ("sns-cert-url"): main tells
 * them by name before the services start, so that neither knows the other. Texts are borrowed for
 * ever.
 */
#ifndef HANEUL_AWS_SERVICE_SETTING_H
#define HANEUL_AWS_SERVICE_SETTING_H

/* Before cloud_open; again with the same name replaces. At most 32. */
void service_setting_set(const char *name, const char *value);
/* "" when nobody told. Any thread. */
const char *service_setting(const char *name);

#endif
