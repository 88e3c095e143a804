import sys
sys.path.insert(0,'/tmp/wt/classes'); sys.path.insert(0,'/tmp/exp')
import numpy as np, torch, os, time
from pathlib import Path
from torch import nn
from torch.nn import functional as Fn
from PIL import Image
from model.training.photos import *
from model.training.labels.classes import make_classes
from model.training.labels.targets import SoftLabels, make_targets, Targets
from model.training import mosaics as M
from model.training.losses import presence_loss, cells_loss, gaze_loss
from model.training.gaze import read_records, fixation_density
from model.msroi import Refine, upsample_2x, interpolate_knots
from model.efficientnet import Conv
from model.maps import nss, smoothing_matrix
import label as L
D=Path('/tmp/wt/shared/data')
CL=make_classes(); C=len(CL.names)
def load_targets():
    ps=L.photos(); parts=[np.load(f'/tmp/exp/labels{k}.npz') for k in (0,1)]
    f={}
    for n in parts[0].files:
        a,b=parts[0][n],parts[1][n]
        o=np.empty((len(a)+len(b),*a.shape[1:]),a.dtype if n!='names' else max(a.dtype,b.dtype))
        o[0::2]=a;o[1::2]=b; f[n]=o
    sl=SoftLabels(**f)
    t=make_targets(ps,sl,CL)
    return ps,sl,t
def sub(t,ix): return Targets(*(getattr(t,n)[ix] for n in ('windows','presence','known','cells','cells_known')))
class FakeImg:
    def __init__(s,*a):pass
    def __enter__(s): return s
    def __exit__(s,*a): pass
    def convert(s,m): return s
    def resize(s,size): return np.zeros((size[1],size[0],3),np.uint8)
class FakeImage:
    open=staticmethod(lambda p: FakeImg()); fromarray=Image.fromarray; Resampling=Image.Resampling
def mosaic_targets(ps,t,order_paths,n):
    ix={str(p.path):i for i,p in enumerate(ps)}
    sel=[ix[p] for p in order_paths]
    M.Image=FakeImage
    B=M.MosaicBatches([ps[i] for i in sel],sub(t,sel),batch_size=12,seed=7)
    res=[B[i][1:] for i in range(n)]
    M.Image=Image
    return res
def ap(score,truth):
    o=np.argsort(-score,kind='stable'); tr=truth[o]
    if not tr.any(): return np.nan
    prec=np.cumsum(tr)/np.arange(1,len(tr)+1)
    return prec[tr].mean()
class Head(nn.Module):
    def __init__(s,W=64,Dn=2,use8=True):
        super().__init__()
        s.W,s.Dn,s.use8=W,Dn,use8
        s.l32=Conv(320,W); s.l16=Conv(112,W); s.refine=Refine(W)
        s.classes=nn.Conv2d(64+W,C*Dn,1)
        s.logw=nn.Parameter(torch.zeros(C,Dn))
        s.py=nn.Parameter(torch.zeros(16)); s.px=nn.Parameter(torch.zeros(16))
    def ctx(s,a16,a32): return s.refine(s.l16(a16)+upsample_2x(s.l32(a32)))
    def maps(s,f8,a16,a32):
        e=upsample_2x(s.ctx(a16,a32))
        logs=s.classes(torch.cat([f8,e],1))
        m=logs.clamp(max=10).exp()
        return m.reshape(len(m),C,s.Dn,*m.shape[2:])
    def sal(s,m,T,drop=None):
        Z=m.detach().sum(2).mean((2,3))
        g=(Z>T)|(Z>=Z.amax(1,keepdim=True))
        w=s.logw.exp()*g[:,:,None]
        ev=torch.einsum('ncd,ncdhw->nhw',w,m)
        h,wd=ev.shape[1:]
        return ev*(interpolate_knots(s.py,h)[:,None]+interpolate_knots(s.px,wd)).exp()
    @torch.no_grad()
    def init(s,f8,a16,a32):
        for mod,fn in ((s.l32,lambda:a32),(s.l16,lambda:a16)):
            init_conv(mod,fn())
        x=s.l16(a16)+upsample_2x(s.l32(a32))
        init_conv(s.refine.depthwise,x); init_conv(s.refine.mix,s.refine.depthwise(x))
        nn.init.normal_(s.classes.weight,std=.02); nn.init.constant_(s.classes.bias,float(np.log(.02/s.Dn)))
@torch.no_grad()
def init_conv(c,x):
    nn.init.kaiming_normal_(c.conv.weight,nonlinearity='relu'); nn.init.zeros_(c.conv.bias)
    o=c.conv(x); mean,dev=o.mean((0,2,3)),o.std((0,2,3)).clamp_min(1e-3)
    c.conv.weight/=dev[:,None,None,None]; c.conv.bias.copy_(.5-mean/dev)
def load(path): return torch.load(path,mmap=True,weights_only=True)
@torch.no_grad()
def eval_presence(head,feats):
    Z=[]
    for f in feats:
        m=head.maps(*(t[None].float() for t in f)); Z.append(m.sum(2).mean((2,3))[0].numpy())
    return np.array(Z)
def labelled_truth(ps):
    P=np.array([[n in p.present for n in CL.names] for p in ps])
    K=np.ones(P.shape,bool)
    per,fac,txt=(CL[n] for n in('person','face','text'))
    for i,p in enumerate(ps):
        if not p.present: K[i]=False
        K[i,per]=K[i,fac]=False
        if 'person' in p.present: K[i,per]=True; K[i,fac]='face' in p.present
        if 'person' in p.absent: K[i,per]=True
        if 'face' in p.absent: K[i,fac]=True
        K[i,txt]=False
    return P,K
def coco_truth(ps):
    P=np.array([[n in p.present for n in CL.names] for p in ps])
    K=np.array([[n in p.present or n in p.absent for n in CL.names] for p in ps])
    K[:,CL['face']]=False
    return P,K
def mean_ap(Z,P,K,least=1):
    r={}
    for c,n in enumerate(CL.names):
        k=K[:,c]
        if P[k,c].sum()>=least: r[n]=ap(Z[k,c],P[k,c])
    return r
