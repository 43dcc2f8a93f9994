package io.github.lucasmouilleron.watchtower.programs;

import io.github.lucasmouilleron.watchtower.Client;
import io.github.lucasmouilleron.watchtower.Pulse;
import io.github.lucasmouilleron.watchtower.Pulser;
import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManagerFactory;

/** Pulses until a line arrives: {@code exit} ends it cleanly, {@code crash} by an exception that nobody catches. */
public final class PulserProgram {
    private PulserProgram() {}

    public static void main(String[] args) throws Exception {
        Client.Builder builder = Client.builder(System.getenv("WATCHTOWER_URL"), System.getenv("WATCHTOWER_PASSWORD"));
        String caFile = System.getenv("WATCHTOWER_CA_FILE");
        Client client = (caFile == null ? builder : builder.sslSocketFactory(trusting(caFile))).build();
        AtomicBoolean hasPulsed = new AtomicBoolean();
        Pulser.builder(client, args[0], Double.parseDouble(args[1]))
                .pulse(Pulse.of(args[0], Double.parseDouble(args[2])))
                .onPulse(heartBeat -> {
                    if (!hasPulsed.getAndSet(true)) System.out.println("pulsing");
                })
                .onError(error -> System.out.println("failed: " + error.getMessage()))
                .start();
        String line = new BufferedReader(new InputStreamReader(System.in)).readLine();
        if ("crash".equals(line)) throw new IllegalStateException("crash");
    }

    /** As in the README. */
    private static SSLSocketFactory trusting(String file) throws Exception {
        KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null, null);
        try (InputStream in = new FileInputStream(file)) {
            Certificate certificate = CertificateFactory.getInstance("X.509").generateCertificate(in);
            trusted.setCertificateEntry("watchTower", certificate);
        }
        TrustManagerFactory managers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        managers.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, managers.getTrustManagers(), null);
        return context.getSocketFactory();
    }
}
