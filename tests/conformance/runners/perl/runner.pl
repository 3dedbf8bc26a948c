# The runner of Perl: one loop selects its input and the clients' descriptors.
use strict;
use warnings;
use Redilock;

my (%clients, %locks);
my (%acquires, %requests, %losses);    # by the number, the request and the lock

my %types = map { Redilock::Core::option_name($_) => Redilock::Core::option_type($_) }
    0 .. Redilock::Core::option_count() - 1;
$| = 1;

sub decoded { return $_[0] =~ s/%(\p{AHex}{2})/chr hex $1/ger }
sub encoded { return $_[0] =~ s{([^A-Za-z0-9:/._-])}{sprintf '%%%02X', ord $1}ger }

sub reply {
    my ($number, $status, %values) = @_;
    print join(' ', $number, $status, map { "$_=$values{$_}" } sort keys %values), "\n";
}

# The values of a request. Perl takes a number as seconds, where the text of the library has a unit.
sub options_of {
    my %options;
    for my $word (@_) {
        my ($name, $value) = $word =~ /^([^=]*)=(.*)$/s;
        die Redilock::Error::make($Redilock::Core::E_INVALID, "$name: it has no unit")
            if ($types{$name} // '') eq 'duration' && $value =~ /^[1-9]\d*$/;
        $options{$name} = decoded($value);
    }
    return %options;
}

my %verbs = (
    client => sub {
        my ($number, $client, @words) = @_;
        $clients{$client} = Redilock->new(options_of(@words));
        reply($number, 'OK');
    },
    acquire => sub {
        my ($number, $client, $lock, @words) = @_;
        my %options = options_of(@words);
        my $request = $clients{$client}->submit(delete $options{name}, %options);
        $acquires{$request} = { number => $number, lock => $lock };
        $requests{$number} = $request;
    },
    attach => sub {
        my ($number, $client, $lock, @words) = @_;
        my %options = options_of(@words);
        my ($name, $token) = delete @options{qw(name token)};
        $locks{$lock} = $clients{$client}->attach($name, $token, %options);
        reply($number, 'OK');
    },
    (
        map {
            my $verb = $_;
            $verb => sub { $locks{ $_[1] }->$verb; reply($_[0], 'OK') }
        } qw(release drop detach)
    ),
    extend => sub {
        my ($number, $lock, $ttl) = @_;
        $locks{$lock}->extend($ttl =~ s/^ttl=//r / 1000);
        reply($number, 'OK');
    },
    look => sub {
        my ($number, $name) = @_;
        my $lock = $locks{$name};
        reply($number, 'OK',
            held      => $lock->is_held ? 1 : 0,
            remaining => int($lock->remaining * 1000),
            fence     => $lock->fence,
            token     => encoded($lock->token));
    },
    lost => sub {
        my ($number, $lock) = @_;
        $losses{ $locks{$lock} } = $number;
        $locks{$lock}->watch;
    },
    release_token => sub {
        my ($number, $client, @words) = @_;
        my %options = options_of(@words);
        $clients{$client}->release(@options{qw(name token)});
        reply($number, 'OK');
    },
    extend_token => sub {
        my ($number, $client, @words) = @_;
        my %options = options_of(@words);
        $clients{$client}->extend(@options{qw(name token ttl)});
        reply($number, 'OK');
    },
    break => sub {
        my ($number, $client, @words) = @_;
        my %options = options_of(@words);
        $clients{$client}->break_lock($options{name});
        reply($number, 'OK');
    },
    info => sub {
        my ($number, $client, @words) = @_;
        my %options = options_of(@words);
        my $info    = $clients{$client}->info($options{name});
        reply($number, 'OK',
            state   => $info->{state},
            waiters => $info->{waiters},
            label   => encoded($info->{label}),
            is      => defined $options{token} && $info->{is}->($options{token}) ? 1 : 0);
    },
    list => sub {
        my ($number, $client, @words) = @_;
        my %options = options_of(@words);
        my @names   = $clients{$client}->names($options{pattern});
        reply($number, 'OK', names => join ',', map { encoded($_) } @names);
    },
    check  => sub { $clients{ $_[1] }->check;   reply($_[0], 'OK') },
    close  => sub { $clients{ $_[1] }->close;   reply($_[0], 'OK') },
    cancel => sub { $requests{ $_[1] }->cancel; reply($_[0], 'OK') },
);

sub fail {
    my ($number, $error) = @_;
    die $error unless ref $error && $error->isa('Redilock::Error');
    reply($number, $error->status);
}

sub serve {
    my ($number, $verb, @words) = split ' ', $_[0];
    return reply($number, 'UNABLE') unless $verbs{$verb};
    eval { $verbs{$verb}->($number, @words); 1 } or fail($number, $@);
}

# Replies to what has ended; false once the client is closed and has nothing more.
sub drain {
    my ($client) = @_;
    while (1) {
        my ($done) = eval { $client->next };
        return 0 if $@;
        return 1 unless $done;
        if ($done->{kind} eq 'acquire') {
            my $acquire = $acquires{ $done->{request} };
            if ($done->{error}) {
                fail($acquire->{number}, $done->{error});
            } else {
                $locks{ $acquire->{lock} } = $done->{lock};
                reply($acquire->{number}, 'OK', fence => $done->{lock}->fence);
            }
        } elsif ($done->{kind} eq 'loss') {
            fail($losses{ $done->{lock} }, $done->{error});
        }
    }
}

my ($input, $ended, %gone) = ('', 0);
until ($ended) {
    my @open = grep { !$gone{$_} } values %clients;
    vec(my $watched = '', fileno STDIN, 1) = 1;
    vec($watched, $_->fd, 1) = 1 for @open;
    select my $readable = $watched, undef, undef, undef;
    for my $client (@open) {
        $gone{$client} = 1 if vec($readable, $client->fd, 1) && !drain($client);
    }
    next unless vec($readable, fileno STDIN, 1);
    $ended = !sysread STDIN, $input, 4096, length $input;
    serve($1) while $input =~ s/^([^\n]*)\n//;
}
