/* SPDX-License-Identifier: BSD-3-Clause */
/* libnats, loaded when a bus on NATS is first made: programs without one neither need nor load it. Only
 * functions on objects whose layout is the library's are used, so that later versions of it will do. */
#ifndef C2_BUS_NATS_NATS_LIB_H
#define C2_BUS_NATS_NATS_LIB_H

#include <nats/nats.h>

#include "base/error.h"

#define C2_NATS_FUNCTIONS(f)                                                                                 \
    f(nats_GetVersion) f(nats_GetLastError) f(natsStatus_GetText) f(nats_ReleaseThreadMemory) f(             \
        natsOptions_Create) f(natsOptions_Destroy) f(natsOptions_SetServers) f(natsOptions_SetUserInfo)      \
        f(natsOptions_SetToken) f(natsOptions_SetUserCredentialsFromFiles) f(natsOptions_SetName) f(         \
            natsOptions_SetTimeout) f(natsOptions_SetSecure) f(natsOptions_LoadCATrustedCertificates)        \
            f(natsOptions_SkipServerVerification) f(natsOptions_SetPingInterval) f(                          \
                natsOptions_SetMaxPingsOut) f(natsOptions_SetMaxReconnect) f(natsOptions_SetReconnectWait)   \
                f(natsOptions_SetReconnectJitter) f(natsOptions_SetErrorHandler) f(natsOptions_SetClosedCB)  \
                    f(natsOptions_SetDisconnectedCB) f(natsOptions_SetReconnectedCB)                         \
                        f(natsOptions_SetWriteDeadline) f(natsOptions_SetSendAsap)                           \
                            f(natsOptions_UseGlobalMessageDelivery) f(natsConnection_Connect) f(             \
                                natsConnection_Close) f(natsConnection_Destroy) f(natsConnection_PublishMsg) \
                                f(natsConnection_Subscribe) f(natsConnection_GetMaxPayload)                  \
                                    f(natsConnection_GetLastError) f(natsSubscription_SetPendingLimits)      \
                                        f(natsSubscription_SetOnCompleteCB) f(natsSubscription_Destroy)      \
                                            f(natsMsg_Create) f(natsMsg_Destroy) f(natsMsg_GetSubject)       \
                                                f(natsMsg_GetReply) f(natsMsg_GetData)                       \
                                                    f(natsMsg_GetDataLength) f(natsMsgHeader_Set)            \
                                                        f(natsMsgHeader_Get) f(natsInbox_Create)             \
                                                            f(natsInbox_Destroy)

struct c2_nats_lib {
#define C2_NATS_MEMBER(name) __typeof__(&(name)) name;
    C2_NATS_FUNCTIONS(C2_NATS_MEMBER)
#undef C2_NATS_MEMBER
};
/** The library; NULL: there is none. Before the process has threads that could ask at the same time.
 * @errors CAT2_EUNSUPPORTED. */
const struct c2_nats_lib *c2_nats_lib_load(struct cat2_error *err);

#endif
