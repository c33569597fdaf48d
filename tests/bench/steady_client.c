/* A small JACK client as a plain synthesiser would be: sines into two outputs, by default silently. It counts the blocks that it does
   not get in time, and prints the figures as one line of JSON. steady_client.py says what they mean, and compiles it.

   steady_client NAME SECONDS VOICES GAIN   (SECONDS 0: until SIGTERM or SIGINT) */

#include <errno.h>
#include <jack/jack.h>
#include <math.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define MOST_VOICES 4096
#define EDGE 32 /* callbacks: the least late one of the first and of the last so many says how far the device has slipped */
#define SETTLE_S 0.5 /* joining the graph and being connected may cost blocks that nobody else took */

static jack_client_t *client;
static jack_port_t *outputs[2];
static double phases[MOST_VOICES], steps[MOST_VOICES];
static int voices;
static float gain;

static atomic_int counting, xruns, server_ended;
static long callbacks, skipped;
static jack_nframes_t last_frame;
static jack_time_t first_us, last_us;
static double period_us, longest_gap_us, longest_work_us;
static double slips_us[EDGE], first_slip_us; /* by how much each of the last callbacks is behind the steady clock of the first ones */

static int process(jack_nframes_t frames, void *unused) {
    (void)unused;
    jack_time_t began_us = jack_get_time();
    jack_nframes_t frame = jack_last_frame_time(client);
    float *left = jack_port_get_buffer(outputs[0], frames), *right = jack_port_get_buffer(outputs[1], frames);
    for (jack_nframes_t i = 0; i < frames; i++) left[i] = 0.0f;
    for (int voice = 0; voice < voices; voice++) {
        double phase = phases[voice];
        for (jack_nframes_t i = 0; i < frames; i++) {
            left[i] += gain * sinf((float)phase);
            phase += steps[voice];
        }
        phases[voice] = fmod(phase, 2.0 * M_PI);
    }
    for (jack_nframes_t i = 0; i < frames; i++) right[i] = left[i];
    if (!atomic_load(&counting)) return 0;
    if (callbacks == 0) {
        first_us = began_us;
    } else {
        double gap_us = (double)(began_us - last_us);
        if (gap_us > longest_gap_us) longest_gap_us = gap_us;
        skipped += (long)((frame - last_frame) / frames) - 1; /* frame times wrap round, so does the difference */
    }
    double slip_us = (double)(began_us - first_us) - period_us * (double)callbacks;
    if (callbacks < EDGE && slip_us < first_slip_us) first_slip_us = slip_us;
    slips_us[callbacks % EDGE] = slip_us;
    double work_us = (double)(jack_get_time() - began_us);
    if (work_us > longest_work_us) longest_work_us = work_us;
    last_us = began_us;
    last_frame = frame;
    callbacks++;
    return 0;
}

static int on_xrun(void *unused) {
    (void)unused;
    if (atomic_load(&counting)) atomic_fetch_add(&xruns, 1);
    return 0;
}

static void on_shutdown(void *unused) {
    (void)unused;
    atomic_store(&server_ended, 1);
    kill(getpid(), SIGTERM);
}

static int wait_s(const sigset_t *stops, double seconds) { /* whether a signal came; 0: wait for one */
    jack_time_t end_us = jack_get_time() + (jack_time_t)(1e6 * seconds);
    while (1) {
        double left = seconds > 0.0 ? ((double)end_us - (double)jack_get_time()) / 1e6 : 3600.0;
        if (left <= 0.0) return 0;
        struct timespec pause = {(time_t)left, (long)(1e9 * fmod(left, 1.0))};
        if (sigtimedwait(stops, NULL, &pause) > 0) return 1; /* else the time is over, or SIGCONT woke it */
    }
}

int main(int count, char **arguments) {
    if (count != 5) return fprintf(stderr, "steady_client NAME SECONDS VOICES GAIN\n"), 2;
    double seconds = atof(arguments[2]);
    voices = atoi(arguments[3]);
    gain = (float)atof(arguments[4]);
    if (voices < 1 || voices > MOST_VOICES) return fprintf(stderr, "1 to %d voices\n", MOST_VOICES), 2;

    sigset_t stops;
    sigemptyset(&stops);
    sigaddset(&stops, SIGTERM);
    sigaddset(&stops, SIGINT);
    pthread_sigmask(SIG_BLOCK, &stops, NULL); /* before JACK starts its threads, which inherit it */

    client = jack_client_open(arguments[1], JackNoStartServer, NULL);
    if (!client) return fprintf(stderr, "no JACK server answers\n"), 1;
    double rate = jack_get_sample_rate(client);
    period_us = 1e6 * jack_get_buffer_size(client) / rate;
    for (int voice = 0; voice < voices; voice++) steps[voice] = 2.0 * M_PI * (110.0 + 7.0 * voice) / rate;
    outputs[0] = jack_port_register(client, "out_1", JACK_DEFAULT_AUDIO_TYPE, JackPortIsOutput, 0);
    outputs[1] = jack_port_register(client, "out_2", JACK_DEFAULT_AUDIO_TYPE, JackPortIsOutput, 0);
    jack_set_process_callback(client, process, NULL);
    jack_set_xrun_callback(client, on_xrun, NULL);
    jack_on_shutdown(client, on_shutdown, NULL);
    if (!outputs[0] || !outputs[1] || jack_activate(client)) return fprintf(stderr, "JACK takes no client\n"), 1;
    for (int port = 0; port < 2; port++) {
        char playback[] = "system:playback_1";
        playback[sizeof playback - 2] += (char)port;
        int error = jack_connect(client, jack_port_name(outputs[port]), playback);
        if (error && error != EEXIST) return fprintf(stderr, "%s cannot be connected\n", playback), 1;
    }
    int stopped = wait_s(&stops, SETTLE_S);
    printf("playing\n");
    fflush(stdout);
    atomic_store(&counting, 1);
    if (!stopped) wait_s(&stops, seconds);
    atomic_store(&counting, 0);
    int realtime = jack_is_realtime(client);
    if (!atomic_load(&server_ended)) {
        jack_deactivate(client);
        jack_client_close(client);
    }
    double lost_us = 0.0;
    for (int i = 0; callbacks >= EDGE && i < EDGE; i++)
        if (i == 0 || slips_us[i] - first_slip_us < lost_us) lost_us = slips_us[i] - first_slip_us;
    printf("{\"callbacks\": %ld, \"skipped\": %ld, \"lost\": %.3f, \"xruns\": %d, \"late_ms\": %.3f, \"work_ms\": %.3f, "
           "\"block_ms\": %.3f, \"realtime\": %s, \"server_ended\": %s}\n",
           callbacks, skipped, lost_us / period_us, atomic_load(&xruns), fmax(0.0, longest_gap_us - period_us) / 1e3,
           longest_work_us / 1e3, period_us / 1e3, realtime ? "true" : "false",
           atomic_load(&server_ended) ? "true" : "false");
    return 0;
}
