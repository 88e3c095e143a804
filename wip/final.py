"""final.py NET TAG [--opts]: step three from cached taps; same as the command."""
import sys,argparse,time,shutil,json
sys.path.insert(0,'/tmp/wt/classes'); sys.path.insert(0,'/tmp/exp')
import numpy as np, torch
from pathlib import Path
from torch.nn import functional as Fn
from torch.utils.data import Dataset
import model.training.classes_step as S
import model.training.mosaics as M
import model.msroi as MM
from model.training.weak_step import list_photos
from model.training.labels.classes import make_classes
from model.training.labels.targets import SoftLabels, make_targets
from model.training.loop import Settings, train, group_class_parameters
from model.training.photos import *
from model.training.calibration import *
from model.training.initialisation import initialise_context
from model.training.gaze import read_records
from model.maps import nss, smoothing_matrix
from PIL import Image
D=Path('/tmp/wt/shared/data'); CL=make_classes(); NAMES=CL.names; C=len(NAMES)
class FakeImg:
    def __enter__(s): return s
    def __exit__(s,*a): pass
    def convert(s,m): return s
    def resize(s,size): return np.zeros((size[1],size[0],3),np.uint8)
class FakeImage:
    open=staticmethod(lambda p: FakeImg()); fromarray=Image.fromarray; Resampling=Image.Resampling
def soft_labels(ps):
    out=Path('/tmp/exp/soft_labels.npz')
    if not out.exists():
        parts=[np.load(f'/tmp/exp/labels{k}.npz') for k in (0,1)]; f={}
        for n in parts[0].files:
            a,b=parts[0][n],parts[1][n]
            o=np.empty((len(a)+len(b),*a.shape[1:]),a.dtype if n!='names' else max(a.dtype,b.dtype)); o[0::2]=a;o[1::2]=b; f[n]=o
        SoftLabels(**f).save(out)
    return SoftLabels.load(out,ps)
def load(p): return torch.load(p,mmap=True,weights_only=True)
class Cached(Dataset):
    def __init__(s,net,gaze,n=None,earlier=None):
        ps=list_photos(D,{0,1}); t=make_targets(ps,soft_labels(ps),CL)
        B=M.MosaicBatches(ps,t,batch_size=12,seed=0)
        mos=[];views=[];den=[]
        for f in sorted(Path('/tmp/exp').glob(f'f_{net}_mosaics_*.pt'),key=lambda f:int(f.stem.split('_')[-2])):
            d=load(f); assert d['paths']==[str(p.path) for p in ps]; mos+=d['feats']
        for f in sorted(Path('/tmp/exp').glob(f'f_{net}_views_*.pt'),key=lambda f:int(f.stem.split('_')[-2])):
            d=load(f); views+=d['feats']; den+=d['density']
        M.Image=FakeImage
        s.b=[]; cf=Path(f'/tmp/exp/targets.pt')
        tg=torch.load(cf,weights_only=True) if cf.exists() else [tuple(B[i].targets) for i in range(len(mos))]
        if not cf.exists(): torch.save(tg,cf)
        for i in range(min(len(mos),n or 999)):
            w=M.WeakTargets(*tg[i]); vt=S.Taps(*views[i%len(views)]) if gaze else None
            s.b.append(S.FrozenBatch(S.Taps(*mos[i]),w,vt,S.draw_density(earlier,vt) if gaze else None))
        M.Image=Image
        print('batches',len(s.b),'views',len(views),flush=True)
    def __getitem__(s,i): return s.b[i%len(s.b)]
def odds_of(net,feats):
    with torch.inference_mode():
        return np.stack([net.presence(S.map_classes(net,S.Taps(*(t[None] for t in f))))[0].double().numpy() for f in feats])
def ap(s,t):
    o=t[np.lexsort((t,-s))]; return (np.cumsum(o)/np.arange(1,len(o)+1))[o].mean()
def aps(Z,T,K,least=1): return {n:ap(Z[K[:,c],c],T[K[:,c],c]) for c,n in enumerate(NAMES) if T[K[:,c],c].sum()>=least}
def gaze_scores(net,maps,thr):
    recs={str(r.path):r for r in read_records(D/'fixations')}
    gz=load(f'/tmp/exp/f_{maps}.pt'); out={}
    from dataclasses import replace
    from oldnet import load_old
    N,OS,_=load_old('/tmp/exp/orig/msroi.safetensors')
    cfg=net.config; res={k:[] for k in ('old','new','t0')}
    with torch.inference_mode():
        for p,f in zip(gz['paths'],gz['feats']):
            r=recs[p]; f=[t[None].float() for t in f]
            om=N.saliency(Fn.conv2d(f[0],OS['classes.weight'],OS['classes.bias']).clamp(max=10).exp().reshape(1,22,2,*f[0].shape[2:]))[0].numpy()
            m=S.map_classes(net,S.Taps(*f)); net.config=replace(cfg,threshold=thr); a=net.saliency(m)[0].numpy(); net.config=replace(cfg,threshold=0.); b=net.saliency(m)[0].numpy()
            c,rr=(r.fixations*a.shape[::-1]).astype(int).T
            for k,x in (('old',om),('new',a),('t0',b)): res[k].append((r.set,nss(x,(rr,c)),(x[rr,c]>np.quantile(x,.75)).mean()))
    net.config=cfg
    for k,l in res.items(): print(' gaze',k,{s:(round(float(np.mean([x[1] for x in l if x[0]==s])),3),round(float(np.mean([x[2] for x in l if x[0]==s])),4)) for s in('osie','crowd','sun')},flush=True)
def main():
    A=argparse.ArgumentParser(); A.add_argument('net'); A.add_argument('tag'); A.add_argument('--steps',type=int,default=600); A.add_argument('--lr',type=float,default=3e-3)
    A.add_argument('--wp',type=float,default=.5); A.add_argument('--wc',type=float,default=.5); A.add_argument('--width',type=int,default=64); A.add_argument('--gaze',type=int,default=1); A.add_argument('--T',type=float,default=.3); A.add_argument('--n',type=int,default=0); A.add_argument('--second',type=float,default=2.); A.add_argument('--threads',type=int,default=1)
    a=A.parse_args(); torch.manual_seed(0); torch.set_num_threads(a.threads)
    S.PRESENCE_WEIGHT,S.CELLS_WEIGHT,S.TRAINING_THRESHOLD,S.SECOND_FEATURE_WEIGHT=a.wp,a.wc,a.T,a.second; MM.CONTEXT_WIDTH=a.width
    net,earlier,_=S.take_features(Path(f'/tmp/exp/orig/msroi{"" if a.net=="gaze" else "_weak"}.safetensors'),gaze=bool(a.gaze))
    ds=Cached(a.net,bool(a.gaze),a.n or None,earlier)
    # pixels of batch 0, as the command
    ps=list_photos(D,{0,1}); 
    img=M.MosaicBatches(ps,make_targets(ps,soft_labels(ps),CL),batch_size=12,seed=0)[0].pixels
    initialise_context(net,S.normalise_pixels(img))
    if a.gaze: S.follow_map(net,earlier)
    run=Path(f'/tmp/exp/runs/{a.tag}'); shutil.rmtree(run,ignore_errors=True)
    t0=time.time()
    net=train(net,ds,S.class_losses,Settings(a.steps,a.lr,0.,12,0),folder=run,device='cpu',loaders=0,group=group_class_parameters)
    print('trained',time.time()-t0,(run/'log.jsonl').read_text().splitlines()[-1],flush=True)
    from model.training.run_folder import write_run
    f1=load(f'/tmp/exp/f_{a.net}_fold1.pt'); co=load(f'/tmp/exp/f_{a.net}_coco.pt')
    lp={str(p.path):p for p in find_photos(D/'train')}; cp={str(p.path):p for p in find_coco(D/'coco')}
    i1=[i for i,p in enumerate(f1['paths']) if is_single(lp[p])]; ic=[i for i,p in enumerate(co['paths']) if cp[p].fold==1]
    allp=[lp[p] for p in f1['paths']]; sel=[i for i,p in enumerate(allp) if p.present or p.absent]
    Z=odds_of(net,[f1['feats'][i] for i in sel]); T,K=read_truth([allp[i] for i in sel],NAMES); r=aps(Z,T,K)
    print('fold1 mAP %.4f'%np.mean(list(r.values())),{k:round(v,2) for k,v in r.items()})
    il=[i for i,p in enumerate(co['paths']) if cp[p].fold!=0]; Zc=odds_of(net,[co['feats'][i] for i in il]); Tc,Kc=read_truth([cp[co['paths'][i]] for i in il],NAMES); r=aps(Zc,Tc,Kc,4)
    print('coco learn(all, trained on 3/4) mAP %.3f'%np.mean(list(r.values())))
    m=[k for k,i in enumerate(il) if cp[co['paths'][i]].fold==1]; r=aps(Zc[m],Tc[m],Kc[m],2); print('coco fold1 (%d) mAP %.3f'%(len(m),np.mean(list(r.values()))),{k:round(v,2) for k,v in r.items()})
    if1=[i for i,p in enumerate(f1['paths'])]
    ph=[lp[f1['paths'][i]] for i in if1]+[cp[co['paths'][i]] for i in ic]
    od=np.concatenate([odds_of(net,[f1['feats'][i] for i in if1]),odds_of(net,[co['feats'][i] for i in ic])])
    off,thr=fit_presence(od,ph,NAMES); print('offsets',dict(zip(NAMES,off.round(2).tolist())))
    add_offsets(net,torch.from_numpy(off).float())
    tr,kn=read_truth(ph,NAMES); sg=np.array([is_single(p) for p in ph]); sc=np.array([len(p.absent)>2 for p in ph])
    o2=od*np.exp(off); oc=np.concatenate([o2[sg],o2[sc]]); tr=np.concatenate([tr[sg],tr[sc]]); kn=np.concatenate([kn[sg],kn[sc]]); i1=range(sg.sum())
    for t in (.1,.15,.2,.25,.3,.4,.5,.7,1.):
        n=(oc[:len(i1)]>t).sum(1); g=np.maximum(n,1); ok=((oc[:len(i1)]>t)|(oc[:len(i1)]==oc[:len(i1)].max(1,keepdims=True)))[tr[:len(i1)]]
        pc=(oc[len(i1):]>t); print(' T',t,'n %.2f'%n.mean(),'1-4 %.3f'%((g>=1)&(g<=4)).mean(),'right %.3f'%ok.mean(),'coco n %.2f recall %.2f precision %.2f'%(pc.sum(1).mean(),(pc&tr[len(i1):]).sum()/tr[len(i1):].sum(),(pc&tr[len(i1):]).sum()/(pc&kn[len(i1):]).sum()))
    print('T',thr)
    from dataclasses import replace
    net.config=replace(net.config,threshold=thr)
    write_run(run,net,{})
    if a.net=='gaze' and Path('/tmp/exp/f_gaze_gaze1.pt').exists(): gaze_scores(net,'gaze_gaze1',thr)
if __name__=='__main__': main()
