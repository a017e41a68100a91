#include "main/init_hooks.h"
#include "base/json.h"
#include "base/log.h"

#include <dirent.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SCRIPTS_MAX 256

struct script {
	enum init_stage stage;
	char name[256];
	const char *state; /* SUCCESSFUL, ERROR, RUNNING */
};

static const char *const stage_dirs[] = { "boot.d", "start.d", "ready.d", "shutdown.d" };
static const char *const stage_names[] = { "BOOT", "START", "READY", "SHUTDOWN" };
static struct script scripts[SCRIPTS_MAX];
static unsigned scripts_n;
static bool completed[INIT_STAGES];
static pthread_t ready_thread;
static bool ready_running;

static struct {
	const struct settings *settings;
	struct running running;
	struct cloud *cloud;
} ready;

static void
publish(struct cloud *cloud)
{
	struct buf b = { 0 };
	struct json_writer w = { .out = &b };
	json_write_object(&w);
	json_write_key(&w, STR("completed"));
	json_write_object(&w);
	for (int i = 0; i < INIT_STAGES; i++) {
		json_write_key(&w, str_c(stage_names[i]));
		json_write_bool(&w, completed[i]);
	}
	json_write_object_end(&w);
	json_write_key(&w, STR("scripts"));
	json_write_array(&w);
	for (unsigned i = 0; i < scripts_n; i++) {
		json_write_object(&w);
		json_write_key(&w, STR("stage"));
		json_write_str(&w, str_c(stage_names[scripts[i].stage]));
		json_write_key(&w, STR("name"));
		json_write_str(&w, str_c(scripts[i].name));
		json_write_key(&w, STR("state"));
		json_write_str(&w, str_c(scripts[i].state));
		json_write_object_end(&w);
	}
	json_write_array_end(&w);
	json_write_object_end(&w);
	buf_add_c(&b, '\n');
	cloud_set_init_status(cloud, b.p);
	buf_done(&b);
}

static void
set_environment(const struct settings *s, const struct running *r)
{
	if (!r)
		return;
	setenv("AWS_ENDPOINT_URL", r->endpoint, 1);
	setenv("HANEUL_ENDPOINT", r->endpoint, 1);
	setenv("AWS_DEFAULT_REGION", s->region, 1);
	setenv("AWS_REGION", s->region, 1);
	if (!s->strict) {
		setenv("AWS_ACCESS_KEY_ID", "test", 1);
		setenv("AWS_SECRET_ACCESS_KEY", "test", 1);
	}
}

static int
run_script(const struct settings *s, const struct running *r, const char *path)
{
	int status = -1;
	pid_t pid = fork();
	if (pid == 0) {
		sigset_t none;
		sigemptyset(&none);
		pthread_sigmask(SIG_SETMASK, &none, NULL);
		set_environment(s, r);
		dup2(STDERR_FILENO, STDOUT_FILENO);
		if (access(path, X_OK) == 0)
			execl(path, path, (char *)NULL);
		execl("/bin/sh", "sh", path, (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int
is_script(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static bool
may_run(const char *path)
{
	struct stat st;
	size_t n = strlen(path);
	if (stat(path, &st) || !S_ISREG(st.st_mode))
		return false;
	return access(path, X_OK) == 0 || (n > 3 && strcmp(path + n - 3, ".sh") == 0);
}

static void
run_dir(const struct settings *s, enum init_stage stage, const struct running *r, const char *dir,
	struct cloud *cloud)
{
	struct dirent **found;
	int n = scandir(dir, &found, is_script, alphasort);
	for (int i = 0; i < n; i++) {
		char path[PATH_MAX];
		snprintf(path, sizeof(path), "%s/%s", dir, found[i]->d_name);
		if (!may_run(path)) {
			free(found[i]);
			continue;
		}
		struct script *one =
			scripts_n < SCRIPTS_MAX ? &scripts[scripts_n++] : &scripts[SCRIPTS_MAX - 1];
		one->stage = stage;
		one->state = "RUNNING";
		snprintf(one->name, sizeof(one->name), "%s", found[i]->d_name);
		if (cloud)
			publish(cloud);
		int code = run_script(s, r, path);
		one->state = code == 0 ? "SUCCESSFUL" : "ERROR";
		if (code)
			log_warn("init.script", log_c("script", path), log_int("code", code));
		else
			log_info("init.script", log_c("script", path), log_int("code", 0));
		free(found[i]);
	}
	if (n >= 0)
		free(found);
}

static void
run_stage(const struct settings *s, enum init_stage stage, const struct running *r,
	struct cloud *cloud)
{
	const char *const roots[] = { s->init_dir, "/etc/haneul/init", "/etc/localstack/init" };
	char dir[PATH_MAX];
	for (unsigned i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
		if (!*roots[i])
			continue;
		snprintf(dir, sizeof(dir), "%s/%s", roots[i], stage_dirs[stage]);
		run_dir(s, stage, r, dir, cloud);
	}
	if (stage == INIT_READY)
		run_dir(s, stage, r, "/docker-entrypoint-initaws.d", cloud);
	completed[stage] = true;
}

void
init_hooks_run(const struct settings *s, enum init_stage stage, const struct running *r)
{
	run_stage(s, stage, r, NULL);
}

static void *
ready_main(void *arg)
{
	(void)arg;
	run_stage(ready.settings, INIT_READY, &ready.running, ready.cloud);
	publish(ready.cloud);
	return NULL;
}

void
init_hooks_start_ready(const struct settings *s, const struct running *r, struct cloud *cloud)
{
	ready.settings = s;
	ready.running = *r;
	ready.cloud = cloud;
	publish(cloud);
	ready_running = pthread_create(&ready_thread, NULL, ready_main, NULL) == 0;
}

void
init_hooks_join(void)
{
	if (ready_running)
		pthread_join(ready_thread, NULL);
	ready_running = false;
}
