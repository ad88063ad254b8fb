#include "gate.h"

#include "fail.h"
#include "timer.h"

void gate_on_delivery(void *userdata, int32_t delivery, size_t events)
{
    struct gate *gate = userdata;
    require(delivery == PH_DELIVERY_DELIVERED, "a batch of %zu events was not delivered", events);
    pthread_mutex_lock(&gate->lock);
    gate->events += events;
    gate->sender_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    gate->waiting = true;
    pthread_cond_broadcast(&gate->changed);
    while (gate->closed) {
        pthread_cond_wait(&gate->changed, &gate->lock);
    }
    gate->waiting = false;
    pthread_mutex_unlock(&gate->lock);
}

void gate_park(struct gate *gate, const ph_client *client)
{
    pthread_mutex_lock(&gate->lock);
    gate->closed = true;
    pthread_mutex_unlock(&gate->lock);
    require(ph_capture(client, "user_0", "parking", NULL) == PH_OK, "capture");
    ph_status status = ph_flush(client, PH_NO_WAIT);
    require(status == PH_ERROR_TIMEOUT, "flush: %s", ph_status_text(status));
    struct timespec limit;
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += 60;
    pthread_mutex_lock(&gate->lock);
    int late = 0;
    while (!gate->waiting && late == 0) {
        late = pthread_cond_timedwait(&gate->changed, &gate->lock, &limit);
    }
    pthread_mutex_unlock(&gate->lock);
    require(late == 0, "the sender did not deliver within a minute");
}

void gate_open(struct gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->closed = false;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
}
